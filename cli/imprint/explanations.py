"""What each type of error means, with an example, how to mend it, and the section of the standard that it comes from."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from .exceptions import UsageFault

WIDTH = 80
STANDARD = "https://datapackage.org/standard/"
PAGES = {
    "Data Package": f"{STANDARD}data-package/",
    "Data Resource": f"{STANDARD}data-resource/",
    "Table Dialect": f"{STANDARD}table-dialect/",
    "Table Schema": f"{STANDARD}table-schema/",
    "Glossary": f"{STANDARD}glossary/",
    "Recipe": "https://datapackage.org/recipes/",
}


@dataclass(frozen=True)
class Explanation:
    """A type of error: its `section` is "Document: section" of the standard, or of who else defines it."""

    type: str
    title: str
    meaning: str
    example: str
    mend: str
    section: str

    @property
    def address(self) -> str:
        """Where the section can be read; "" for what only imprint defines."""
        document, _, name = self.section.partition(": ")
        anchor = name.replace(" ", "-")
        if document not in PAGES:
            return ""
        return f"{PAGES[document]}{anchor}/" if document == "Recipe" else f"{PAGES[document]}#{anchor}"


TABLE = {
    one.type: one
    for one in (
        # The descriptor
        Explanation(
            "package-error", "The package's descriptor is wrong",
            "A property of the package, or one of its rules, is not as the standard has it. The data is checked all the same.",
            '"licenses": [{"id": "CC-BY-4.0"}]: a licence needs a "name" or a "path".',
            "Change the property that the message names in datapackage.json.",
            "Data Package: properties",
        ),
        Explanation(
            "resource-error", "A resource's descriptor is wrong",
            "A property of a resource is not as the standard has it, or its path leads out of the package.",
            '"path": "../table.csv": a path may not leave the package\'s directory.',
            "Change the property that the message names; put the file into the package's directory.",
            "Data Resource: properties",
        ),
        Explanation(
            "dialect-error", "The dialect is wrong or not known",
            "An option of the dialect is not as the standard has it, or imprint can't read files in such a dialect.",
            '"delimiter": "||": delimiters of more than one character can\'t be read.',
            "Mend the option that the message names, or save the file in a common dialect of CSV.",
            "Table Dialect: properties",
        ),
        Explanation(
            "schema-error", "The schema is wrong",
            "The Table Schema or JSON Schema can't be had, or a key of it names what isn't there.",
            '"primaryKey": ["id"], and no field is called "id".',
            "Mend what the message names in the schema; put a schema that lies elsewhere into the package.",
            "Table Schema: properties",
        ),
        Explanation(
            "field-error", "A field's descriptor is wrong",
            "A field's type, format or constraint is not as the standard has it. That part is left out; the rest is checked.",
            '{"name": "year", "type": "integer", "constraints": {"minimum": "old"}}: a bound is a value of its field.',
            "Mend what the message names in the field's descriptor.",
            "Table Schema: field",
        ),
        # The file
        Explanation(
            "scheme-error", "The file is not at hand",
            "A file is not there, or it is remote and was not fetched. Nothing can be said of its data.",
            '"path": "https://example.org/table.csv".',
            "Add the file to the package, or mend the path; --remote allows URLs to be fetched.",
            "Data Resource: path or data",
        ),
        Explanation(
            "format-error", "The format is not known",
            "imprint does not know the format, or a package that reads it is not installed.",
            '"path": "table.dta".',
            'Convert the file to CSV, or install what the message names; check "format" of the resource.',
            "Data Resource: format",
        ),
        Explanation(
            "source-error", "The file can't be read as a table",
            "The file is empty, broken, or holds something other than rows.",
            "A .json file that holds a single number.",
            'Mend the file; if the rows lie deeper in a JSON file, name the place in "property" of the dialect.',
            "Data Resource: tabular path or data",
        ),
        Explanation(
            "encoding-error", "The text is not in its encoding",
            "The encoding is not known, or a cell holds bytes that are no characters in it. If none is declared, it is UTF-8.",
            "A file saved as Latin-1, with an é, and no encoding declared.",
            'Save the file as UTF-8, or declare its "encoding" in the resource.',
            "Data Resource: encoding",
        ),
        Explanation(
            "compression-error", "The file can't be unpacked",
            "The compression is not known, or the file is cut off or broken.",
            "A .gz file whose download was interrupted.",
            "Fetch or compress the file again, with gzip or zip.",
            "Recipe: compression of resources",
        ),
        Explanation(
            "hash-count", "The file's digest is another",
            'The file is not the one that "hash" was taken of, or the digest\'s algorithm is not known.',
            '"hash": "sha256:9f86d0…", and the file has another SHA-256.',
            'If the file is right, write its digest into "hash"; otherwise fetch it again.',
            "Data Resource: hash",
        ),
        Explanation(
            "byte-count", "The file's size is another",
            'The file does not have as many bytes as "bytes" says.',
            '"bytes": 1024, and the file has 1030.',
            'If the file is right, write its size into "bytes"; otherwise fetch it again.',
            "Data Resource: bytes",
        ),
        Explanation(
            "json-schema-error", "The document breaks its JSON Schema",
            "A JSON resource is not as the JSON Schema that it names demands.",
            '{"age": "seven"} where the JSON Schema has {"age": {"type": "integer"}}.',
            "Mend the value at the place that the message names, or the JSON Schema.",
            "Recipe: json data resources",
        ),
        # The header
        Explanation(
            "blank-header", "The header is blank",
            "The row that should have the labels is empty.",
            "A file whose first line is empty.",
            'Remove the empty line, or name the header\'s row in "headerRows" of the dialect.',
            "Table Dialect: header",
        ),
        Explanation(
            "blank-label", "A label is blank",
            "A column has no label, so nothing says which field it is.",
            "id,,name",
            "Give the column its field's name.",
            "Table Schema: fields",
        ),
        Explanation(
            "duplicate-label", "A label is there twice",
            "Two columns have the same label, so the name can't say which is meant.",
            "id,name,name",
            "Rename or remove one of the columns.",
            "Table Schema: fields",
        ),
        Explanation(
            "incorrect-label", "A label is not its field's name",
            "Columns are matched with fields by their order, and this column is called otherwise.",
            "id,nom where the schema has the fields id and name.",
            'Rename or move the column or the field; or match them by name, with "fieldsMatch": "equal".',
            "Table Schema: fieldsMatch",
        ),
        Explanation(
            "missing-label", "A field has no column",
            "The schema has a field that the data must have, and does not.",
            "id where the schema has the fields id and name.",
            'Add the column, or remove the field; or allow fewer columns, with "fieldsMatch": "superset".',
            "Table Schema: fieldsMatch",
        ),
        Explanation(
            "extra-label", "A column has no field",
            "The data has a column that the schema does not know.",
            "id,name,age where the schema has the fields id and name.",
            'Describe the column in the schema, or remove it; or allow more columns, with "fieldsMatch": "subset".',
            "Table Schema: fieldsMatch",
        ),
        Explanation(
            "unmatched-header", "No column has a field",
            'With "fieldsMatch": "partial" one column at least has the name of a field.',
            "a,b where the schema has the fields id and name.",
            "Check that file and schema belong together, and that the delimiter is the right one.",
            "Table Schema: fieldsMatch",
        ),
        # Rows
        Explanation(
            "blank-row", "The row is blank",
            "Every cell of the row is missing. Other errors of its cells are not told.",
            "An empty line between two rows, or at the end of the file.",
            "Remove the row.",
            "Glossary: tabular data",
        ),
        Explanation(
            "missing-cell", "The row is too short",
            "The row has no cell for a field, not even an empty one.",
            "1 in a table of two columns. (1, with a comma, is a row whose second cell is empty.)",
            "Add the cell, if only an empty one; look for a quote or a delimiter that was lost.",
            "Glossary: tabular data",
        ),
        Explanation(
            "extra-cell", "The row is too long",
            "The row has a cell where there is no column.",
            "1,Smith, Anna in a table of two columns.",
            "Put quotes around a cell that holds the delimiter, or remove the cell.",
            "Glossary: tabular data",
        ),
        Explanation(
            "field-count", "The number of columns is another",
            'The table does not have as many columns as "fields" of the resource says.',
            '"fields": 3, and the table has 4 columns.',
            "Mend the number or the table.",
            "frictionless-py",
        ),
        Explanation(
            "row-count", "The number of rows is another",
            'The table does not have as many rows as "rows" of the resource says.',
            '"rows": 100, and the table has 99 rows.',
            "Mend the number or the table.",
            "frictionless-py",
        ),
        # Cells
        Explanation(
            "type-error", "The cell is not of its field's type",
            "The cell's text is not written as values of the field's type and format are.",
            "31.12.2024 in a field of type date, which is written 2024-12-31.",
            'Mend the cell; or "type" or "format" of the field; or add the text to "missingValues" if it means none.',
            "Table Schema: field types",
        ),
        Explanation(
            "constraint-error", "The cell breaks a constraint",
            "The cell is a value of its type, or missing, and a constraint of its field does not allow that.",
            '120 where the constraints have "maximum": 100; an empty cell where they have "required": true.',
            "Mend the cell, or the constraint.",
            "Table Schema: field constraints",
        ),
        # Keys
        Explanation(
            "unique-error", "The value is there already",
            "A field's values are unique, and an earlier row has the same. Values are compared, not their spelling.",
            '1.0 and 1.00 in a field of type number with "unique": true.',
            "Mend or remove one of the rows.",
            "Table Schema: unique",
        ),
        Explanation(
            "unique-keys", "The unique key is there already",
            "An earlier row has the same values in all fields of a unique key. A key with a missing value is not compared.",
            'Two rows with FR and 2024, where the schema has "uniqueKeys": [["country", "year"]].',
            "Mend or remove one of the rows.",
            "Table Schema: uniqueKeys",
        ),
        Explanation(
            "primary-key", "The primary key is missing or there already",
            "An earlier row has the same primary key, or the row has none.",
            'Two rows with the id 7, where the schema has "primaryKey": ["id"].',
            "Give the row a key of its own, or remove it.",
            "Table Schema: primaryKey",
        ),
        Explanation(
            "foreign-key", "The foreign key leads nowhere",
            "The table that the key refers to has no such row. A key that is missing in all its parts refers to nothing.",
            "The country FX in a row, and no such code in the table of countries.",
            "Mend the key, or add the row that it refers to.",
            "Table Schema: foreignKeys",
        ),
        Explanation(
            "relationship-error", "The row breaks a relationship between fields",
            'Two fields are related as "relationships" of the schema say, and the row\'s values are not. derived: a value of'
            " the first is always with the same value of the second; coupled: the other way round too; crossed: every value of"
            " one is with every value of the other. The first row that has a value is taken to be right.",
            'Rows with Spain, ES and Estonia, ES, where the fields country and code are "coupled".',
            'Mend the row or the earlier one that the message names; add the rows that "crossed" asks for; or mend "link".',
            "Recipe: relationship between fields",
        ),
        # What Table Schema can't say
        Explanation(
            "row-constraint", "The row breaks a rule of the package",
            'A rule that the package declares in "rules" does not hold in the row.',
            'The rule "start <= end", and a row that ends before it starts.',
            "Mend the row, or the rule in datapackage.json.",
            "imprint: rules",
        ),
        Explanation(
            "evidence-error", "The evidence is not in its document",
            "The passage that a row points to in a source document is not there, or reads otherwise.",
            "Characters 120 to 180 of a document that was revised since.",
            "Find the passage again, with `imprint span`, and mend the row; or use the document that the row was made from.",
            "imprint: evidence",
        ),
        Explanation(
            "coverage-error", "A part of a document is not accounted for",
            "No row is about a block of a source document, and none says why.",
            "A paragraph that was added to the document, and no row about it.",
            "Add the rows that the block asks for, or exempt it with a reason.",
            "imprint: evidence",
        ),
    )
}  # fmt: skip


def of(kind: str) -> Explanation:
    """The explanation of a type of error. Raises UsageFault, with the nearest names, for one that isn't known."""
    if kind in TABLE:
        return TABLE[kind]
    from difflib import get_close_matches

    near = " or ".join(get_close_matches(kind.lower(), TABLE, n=2))
    raise UsageFault(
        f'"{kind}" is no type of error', fix=f"did you mean {near}?" if near else "`imprint validate --explain` lists them all"
    )


def text(kind: str) -> str:
    """The explanation of a type of error as a person reads it; every type on a line for "all"."""
    if kind == "all":
        width = max(map(len, TABLE))
        return "\n".join(f"{one.type:<{width}}  {one.title}" for one in TABLE.values())
    one = of(kind)
    section = f"{one.section} ({one.address})" if one.address else one.section
    parts = {"Meaning": one.meaning, "Example": one.example, "To mend": one.mend, "Section": section}
    return "\n".join([f"{one.type}: {one.title}", "", *(_filled(f"{word}:", said) for word, said in parts.items())])


def _filled(head: str, said: str) -> str:
    return textwrap.fill(
        said, WIDTH, initial_indent=f"{head:<10}", subsequent_indent=" " * 10, break_long_words=False, break_on_hyphens=False
    )
