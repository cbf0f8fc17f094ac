"""Which hierarchies of control groups a cloud's libvirtd gets a subtree of, by what the kernel says is mounted."""

import pytest

from nova.standalone.private_cgroups import Hierarchy, hierarchies

EACH_ALONE = """
tmpfs {top} tmpfs rw,mode=755 0 0
cgroup {top}/cpu cgroup rw,relatime,cpu 0 0
cgroup {top}/cpuacct cgroup rw,relatime,cpuacct 0 0
cgroup {top}/memory cgroup rw,relatime,memory 0 0
cgroup {top}/systemd cgroup rw,relatime,name=systemd 0 0
cgroup2 {top}/unified cgroup2 rw,relatime 0 0
"""
TOGETHER = """
cgroup {top}/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0
cgroup {top}/cpuset cgroup rw,nosuid,cpuset 0 0
cgroup /elsewhere/cpu cgroup rw,nosuid,cpu,cpuacct 0 0
"""
READ_ONLY = """
cgroup {top}/cpu,cpuacct cgroup ro,nosuid,cpu,cpuacct 0 0
cgroup2 {top}/unified cgroup2 ro,nosuid 0 0
"""
WITHOUT_CPU = """
cgroup {top}/cpuacct cgroup rw,cpuacct 0 0
cgroup {top}/memory cgroup rw,memory 0 0
"""
UNIFIED = 'cgroup2 {top} cgroup2 rw,nosuid,nsdelegate 0 0\n'


@pytest.fixture
def found(tmp_path):
    """The hierarchies that are found in a table of mounts."""

    def find(mounts: str) -> tuple[Hierarchy, ...]:
        (tmp_path / 'self').mkdir()
        (tmp_path / 'self' / 'mounts').write_text(mounts.strip().format(top=tmp_path))
        return hierarchies(tmp_path)

    return find


def unified(top, controllers: str, handed_on: str) -> None:
    (top / 'cgroup.controllers').write_text(controllers)
    (top / 'cgroup.subtree_control').write_text(handed_on)


def test_each_controller_may_have_a_hierarchy_of_its_own(found, tmp_path):
    assert found(EACH_ALONE) == (Hierarchy(tmp_path / 'cpu', ('cpu',)), Hierarchy(tmp_path / 'cpuacct', ('cpuacct',)))


def test_one_with_both_controllers_is_taken_once_where_it_was_mounted_first(found, tmp_path):
    assert found(TOGETHER) == (Hierarchy(tmp_path / 'cpu,cpuacct', ('cpu', 'cpuacct')),)


@pytest.mark.parametrize('mounts', [READ_ONLY, WITHOUT_CPU, '', 'proc /proc proc rw 0 0'])
def test_there_are_none_where_processors_cannot_be_divided(found, mounts):
    assert found(mounts) == ()


def test_the_second_version_is_left_as_it_is_where_it_hands_processors_on(found, tmp_path):
    unified(tmp_path, 'cpuset cpu io memory pids\n', 'cpuset cpu memory\n')
    assert found(UNIFIED) == (Hierarchy(tmp_path, ('cpu',), unified=True),)
    assert (tmp_path / 'cgroup.subtree_control').read_text() == 'cpuset cpu memory\n'


def test_the_second_version_is_asked_to_hand_processors_on(found, tmp_path):
    unified(tmp_path, 'cpu memory\n', '\n')
    assert found(UNIFIED) == (Hierarchy(tmp_path, ('cpu',), unified=True),)
    assert (tmp_path / 'cgroup.subtree_control').read_text() == '+cpu'


def test_the_second_version_without_processors_is_of_no_use(found, tmp_path):
    unified(tmp_path, 'hugetlb\n', '')
    assert found(UNIFIED) == ()


def test_the_first_version_has_processors_where_both_are_mounted(found, tmp_path):
    (tmp_path / 'unified').mkdir()
    unified(tmp_path / 'unified', 'hugetlb\n', '')
    assert all(not hierarchy.unified for hierarchy in found(EACH_ALONE))
