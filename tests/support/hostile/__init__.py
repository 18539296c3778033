"""Ways to spoil a legal submission, by kind of attack: functions of its parts and a source of chance.

`REFUSED` classes must be refused, whatever chance says. `HARMLESS` ones may be accepted: then the score must
be that of the spoilt records. `READING_REFUSED` are those of entries of sequence models.
"""

from tests.support.hostile import claims, folders, formats, numbers, text
from tests.support.hostile.attempts import attempt
from tests.support.hostile.parts import Parts, legal, legal_reading

__all__ = ["HARMLESS", "READING_REFUSED", "REFUSED", "Parts", "attempt", "legal", "legal_reading"]

REFUSED = (
    text.invisible_text,
    text.right_to_left_text,
    text.script_text,
    text.script_setting,
    text.bad_link,
    text.bad_name,
    text.bad_entry_point,
    text.bad_board_name,
    claims.wrong_type,
    claims.missing_field,
    claims.added_field,
    claims.another_specification,
    claims.other_tasks,
    claims.other_references,
    claims.another_track,
    numbers.not_finite,
    numbers.beyond_the_limits,
    numbers.beyond_the_optimum,
    numbers.other_counts,
    numbers.other_rows,
    numbers.relabelled_rows,
    numbers.other_steps,
    numbers.other_halves,
    formats.other_columns,
    formats.other_dtypes,
    formats.general_parquet,
    formats.claimed_rows,
    formats.bomb,
    formats.another_format,
    formats.truncated,
    formats.hostile_json,
    formats.not_utf8,
    folders.stray_file,
    folders.missing_file,
    folders.link,
    folders.another_folder,
)
HARMLESS = (formats.flipped_bytes, numbers.other_legal_returns, text.strange_text)

OF_ACTING_ALONE = (
    text.script_setting,
    claims.other_references,
    claims.another_track,
    numbers.beyond_the_limits,
    numbers.beyond_the_optimum,
    numbers.other_counts,
    numbers.other_steps,
    numbers.other_halves,
)
READING_REFUSED = (*(spoil for spoil in REFUSED if spoil not in OF_ACTING_ALONE), numbers.negative_loss)
"""What must be refused of an entry of a sequence model."""
