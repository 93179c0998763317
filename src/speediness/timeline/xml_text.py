"""Small helpers for formats that are XML."""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement


def add(parent: Element, tag: str, text: object = None, **attributes: object) -> Element:
    """A new last child of ``parent``; attributes that are None are left out."""
    known = {name: str(value) for name, value in attributes.items() if value is not None}
    child = SubElement(parent, tag, known)
    child.text = None if text is None else str(text)
    return child


def to_text(root: Element, doctype: str | None = None) -> str:
    """The whole document, indented; UTF-8."""
    ElementTree.indent(root)
    head = ['<?xml version="1.0" encoding="UTF-8"?>', *([f"<!DOCTYPE {doctype}>"] if doctype else [])]
    return "\n".join([*head, ElementTree.tostring(root, encoding="unicode"), ""])
