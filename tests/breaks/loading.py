"""Defects of reading files: data sets, preferences, ratings."""

from tests.breaks.planting import Break

FILES = "tests/test_cases_of_files.py"

BREAKS: list[Break] = [
    Break(
        "options of LogiQA blocks are taken by place, whatever letter is printed",
        "core/loading/blocks.py",
        (("    ordered = _by_letter(options)\n", "    ordered = options\n"),),
        (f"{FILES}::test_questions",),
    ),
    Break(
        "the longest column of a table without a header is its question",
        "core/loading/headless.py",
        (("    if found := _gold_and_options(columns):\n", "    if found := None:\n"),),
        (f"{FILES}::test_questions",),
    ),
    Break(
        "0 and 1 are read as a tie and the first output",
        "core/loading/codes.py",
        (("    values = undecided(found)\n    if not values:", "    values = undecided(found)\n    if True:"),),
        (f"{FILES}::test_a_code_that_does_not_say_its_sides_is_asked_for_and_then_read",),
    ),
    Break(
        "a file of judgements is taken for questions",
        "core/loading/kinds.py",
        (("    if kind := kind_of(rows):\n        then", "    if kind := None:\n        then"),),
        (f"{FILES}::test_what_holds_no_questions_says_what_it_holds_and_what_to_do",),
    ),
    Break(
        "a file of questions is taken for judgements",
        "core/loading/judgement_mapping.py",
        (("    if sides or kind:\n        return", "    if True:\n        return"),),
        (f"{FILES}::test_what_holds_no_judgements_says_what_it_holds_and_what_to_do",),
    ),
    Break(
        "workers inside a row are taken for authors",
        "core/loading/judgement_mapping.py",
        (('    if what != "preferences" and inside:', "    if False:"),),
        (f"{FILES}::test_workers_are_raters_and_what_was_voted_is_none",),
    ),
    Break(
        "ratings with decimal commas are names",
        "core/analysis/consensus.py",
        (('label.replace(",", ".") if DECIMAL', "label if DECIMAL"),),
        ("tests/test_agreement_of_sets.py::test_decimal_commas_are_numbers_and_the_scale_is_said",),
    ),
    Break(
        "NaN of a Parquet file is a label",
        "core/loading/tables.py",
        (("return None if isnan(value) else value", "return value"),),
        (f"{FILES}::test_nan_is_no_label",),
    ),
    Break(
        "one rater in two spellings is two",
        "core/loading/names.py",
        (('return unicodedata.normalize("NFC", text).strip()', "return text"),),
        (f"{FILES}::test_names_in_two_spellings_are_one_rater",),
    ),
    Break(
        "free answers are taken for labels",
        "core/loading/fixed_labels.py",
        (("    if why := _free(golds.counts):", "    if why := None:"),),
        (f"{FILES}::test_what_holds_no_questions_says_what_it_holds_and_what_to_do",),
    ),
    Break(
        "a cell of more than 131,072 characters is refused",
        "core/loading/tables.py",
        (("csv.field_size_limit(LONGEST_LINE)", "csv.field_size_limit(OLD_LIMIT)"),),
        (f"{FILES}::test_a_cell_of_thousands_of_lines_is_one_cell",),
    ),
    Break(
        "brackets in a message are markup",
        "core/cli/__init__.py",
        (('said = Text.assemble(("anchorlab:", "bold red"), f" {refusal}")', 'said = f"[red]anchorlab:[/] {error}"'),),
        (f"{FILES}::test_an_error_with_brackets_is_printed_as_it_is",),
    ),
    Break(
        "part and id of a question are joined so that two give one key",
        "core/analysis/consensus.py",
        (
            (
                "QUESTION = f\"concat_ws('/', {_escaped('part')}, {_escaped('item_id')})\"",
                "QUESTION = \"concat_ws('/', part, item_id)\"",
            ),
        ),
        ("tests/test_agreement_of_sets.py::test_part_and_id_that_join_to_one_key_are_two_questions",),
    ),
    Break(
        "an upload takes the place of another of its name",
        "core/data/uploads.py",
        (("folder = home.uploads / hashlib.sha256(content).hexdigest()[:32]", "folder = home.uploads"),),
        ("tests/test_uploads.py::test_uploads_of_one_name_at_once_are_files_of_their_own",),
    ),
    Break(
        "a file replaced while it is read is sealed under the other's hash",
        "core/data/datasets.py",
        (("    if file_hash(path) != source:\n", "    if False:\n"),),
        (f"{FILES}::test_a_file_replaced_while_it_is_read_is_not_sealed",),
    ),
]
