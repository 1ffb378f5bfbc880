# SPDX-License-Identifier: Apache-2.0
"""The catalogs of the panels' texts: `make messages` brings them in step with the code.

Django's `makemessages` can't: the labels of the forms' options are in the client's table of
options, where no call marks them. The catalogs are where Django looks for them, and its
`compilemessages` compiles them too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

from trove_schedules.schedules.options import OPTIONS, QUALIFIERS
from trove_schedules.schedules.selection import SELECTING

PACKAGE = Path(__file__).parents[1] / "dashboard" / "trove_schedules_dashboard"
LOCALE = PACKAGE / "locale"
#: Options that the forms have no field of the table's words for.
_LEFT_OUT = ("pattern", "parent_id", "incremental", *QUALIFIERS["notify_url"])
#: Under which other names the code calls gettext's functions.
_KEYWORDS = DEFAULT_KEYWORDS | {
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
}

if not settings.configured:
    # Django asks for the encoding of templates.
    settings.configure()

Message = str | tuple[str, ...]


def template() -> Catalog:
    """Every text of the panels, without translations."""
    catalog = Catalog(project="trove-schedules-dashboard", fuzzy=False)
    for message, context, where in sorted(_marked(), key=lambda found: found[2]):
        catalog.add(message, context=context, locations=[(where, None)])
    for option in (*OPTIONS.values(), *SELECTING.values()):
        if option.name not in _LEFT_OUT:
            texts = (option.title, option.help, option.otherwise, *option.choices)
            if option.kind is tuple:
                # The form has several texts otherwise than a command, and says so.
                texts = (option.title, option.otherwise)
            for text in filter(None, texts):
                catalog.add(text, locations=[("the client's table of options", None)])
    return catalog


def _marked() -> Iterator[tuple[Message, str | None, str]]:
    """What the code and the pages mark: a text, its context, and the file."""
    for path in PACKAGE.rglob("*"):
        if path.suffix not in (".py", ".html"):
            continue
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".html":
            # The page's indentation means nothing, which Python's would.
            text = "\n".join(line.strip() for line in templatize(text).splitlines())
        name = str(path.relative_to(PACKAGE))
        for _, message, _, context in extract("python", BytesIO(text.encode()), _KEYWORDS):
            yield message, context, name


def read(file: Path) -> Catalog:
    """A language's catalog; the folder is named after the language."""
    with file.open("rb") as stream:
        return read_po(stream, locale=file.parts[-3])


def write(catalog: Catalog, file: Path) -> None:
    """Write the catalog, and its compiled form beside it."""
    with file.open("wb") as stream:
        write_po(stream, catalog, width=100, ignore_obsolete=True)
    with file.with_suffix(".mo").open("wb") as stream:
        write_mo(stream, catalog)


def main() -> int:
    found = template()
    for file in sorted(LOCALE.glob("*/LC_MESSAGES/django.po")):
        catalog = read(file)
        # Where no text has changed, neither does the file.
        found.creation_date = catalog.creation_date
        catalog.update(found, no_fuzzy_matching=True)
        write(catalog, file)
        open_texts = [message.id for message in catalog if message.id and not done(message.string)]
        print(f"{file.parts[-3]}: {len(catalog)} texts, {len(open_texts)} to translate")  # noqa: T201
    return 0


def done(translation: Message | None) -> bool:
    """Whether every form of a text is translated."""
    return bool(translation) and all([translation] if isinstance(translation, str) else translation)


if __name__ == "__main__":
    sys.exit(main())
