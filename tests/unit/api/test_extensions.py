from tests.published import sample


def test_the_list_is_the_published_one(cloud):
    assert cloud.get('/extensions', token='roleless') == sample('extension-info/extensions-list-resp.json')


def test_one_is_shown_by_its_alias(cloud):
    assert cloud.get('/extensions/os-agents') == sample('extension-info/extensions-get-resp.json')
    assert cloud.fault('GET', '/extensions/none')[0] == 404
