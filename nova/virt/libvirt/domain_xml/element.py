"""Write XML elements as nested calls."""

import re
from xml.etree import ElementTree

Element = ElementTree.Element

# What XML 1.0 has no way to say, not even escaped.
UNSAYABLE = re.compile('[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')


def element(tag: str, *content: Element | str | None, **attributes: object) -> Element:
    """An element of text or of children, where None stands for nothing. Attributes of None are left out."""
    made = Element(tag, {name.rstrip('_'): _say(value) for name, value in attributes.items() if value is not None})
    for item in content:
        if isinstance(item, str):
            made.text = _say(item)
        elif item is not None:
            made.append(item)
    return made


def write(root: Element) -> str:
    """The element as text, indented, the same each time."""
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding='unicode') + '\n'


def _say(value: object) -> str:
    return UNSAYABLE.sub('\ufffd', str(value))
