# SPDX-License-Identifier: Apache-2.0
"""Mistral's schemas of the parts of a workbook: each is checked once, and not for each part.

Mistral has jsonschema check the schema of a task itself before it checks a task by it, and so for
every other part. That is nearly all of the seconds that loading a workbook takes.
"""

import json
from typing import Any

from mistral.lang import base


def remember() -> None:
    """Have schemas that were checked in this process taken for sound."""
    validator = base.jsonschema.validators.validator_for({})
    check = validator.check_schema
    sound: set[str] = set()

    def check_schema(schema: Any, **options: Any) -> None:
        text = json.dumps(schema, sort_keys=True)
        if text not in sound:
            check(schema, **options)
            sound.add(text)

    validator.check_schema = check_schema
