"""What WhatsApp shows of an agent's Markdown."""

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.channels.whatsapp_twilio.dialect import render
from shared.channels.whatsapp_twilio.markup import BREAK, FENCE, spans

EXAMPLES = settings(derandomize=True, max_examples=150, deadline=None)
WORDS = st.text(string.ascii_letters, min_size=1, max_size=8)
MARKUP = st.text("ab1 \n*_~`#>-|[]()!<\\.:^+\u200b🙂\u0301", max_size=80)


def shown(text: str) -> str:
    """Return what a reader sees of literal text: everything but the invisible breaks."""
    return text.replace(BREAK, "")


def formatted(text: str) -> list[tuple[str, str]]:
    """Return each formatted stretch with its marker, the outer ones first."""
    return [(span.marker, text[slice(*span.inner)]) for span in spans(text)]


def unpaired(text: str) -> list[int]:
    """Return where emphasis markers stand that belong to no formatted stretch, nor in code."""
    stretches = spans(text)
    paired = {mark for span in stretches for mark in (span.start, span.inner[1])}
    code = {at for span in stretches if span.marker in {"`", FENCE} for at in range(span.start, span.end)}
    return [at for at, char in enumerate(text) if char in "*_~" and at not in paired | code]


# Headings and paragraphs


def test_a_heading_is_a_bold_line_above_what_it_heads() -> None:
    """
    WhatsApp has no headings; the text follows without a blank line.
    """
    assert render("Before\n\n## Title\n\nText") == "Before\n\n*Title*\nText"


@pytest.mark.parametrize("markdown", ["# Title", "###### Title ##", "Title\n=====", "Title\n---"])
def test_every_level_and_spelling_of_a_heading_is_the_same(markdown: str) -> None:
    """
    Six levels, with closing signs or underlined: one look.
    """
    assert render(markdown) == "*Title*"


def test_two_headings_in_a_row_are_set_apart() -> None:
    """
    A heading belongs to text, not to another heading.
    """
    assert render("# One\n## Two\nText") == "*One*\n\n*Two*\nText"


def test_bold_in_a_heading_is_not_bold_twice() -> None:
    """
    The whole line is bold already; italic inside it stays.
    """
    assert render("# A **b** *c*") == "*A b _c_*"


def test_an_empty_heading_is_left_out() -> None:
    """
    No lone markers.
    """
    assert render("#\n\nText") == "Text"


def test_paragraphs_are_separated_by_one_blank_line() -> None:
    """
    However many there were.
    """
    assert render("One\n\n\n\nTwo") == "One\n\nTwo"


@pytest.mark.parametrize("end", ["\n", "  \n", "\\\n", "<br>", "\r\n"])
def test_line_breaks_stay(end: str) -> None:
    """
    Soft, hard, HTML's or Windows': a line is a line.
    """
    assert render(f"One{end}Two") == "One\nTwo"


def test_a_rule_is_only_a_gap() -> None:
    """
    WhatsApp draws no lines.
    """
    assert render("One\n\n---\n\nTwo") == "One\n\nTwo"


# Emphasis


@pytest.mark.parametrize(
    ("markdown", "whatsapp"),
    [
        ("**bold**", "*bold*"),
        ("__bold__", "*bold*"),
        ("*italic*", "_italic_"),
        ("_italic_", "_italic_"),
        ("~~gone~~", "~gone~"),
        ("***both***", "*_both_*"),
        ("**bold *and italic* again**", "*bold _and italic_ again*"),
        ("~~gone **and bold**~~", "~gone *and bold*~"),
    ],
)
def test_emphasis_takes_whatsapps_markers(markdown: str, whatsapp: str) -> None:
    """
    One sign instead of two, underscore for italic, nested as it was.
    """
    assert render(markdown) == whatsapp


def test_emphasis_over_two_lines_is_closed_and_reopened() -> None:
    """
    WhatsApp's markers do not cross line breaks.
    """
    assert render("**one\ntwo**") == "*one*\n*two*"


def test_emphasis_inside_a_word_is_parted_from_it_invisibly() -> None:
    """
    A marker between letters would be shown as it is.
    """
    assert render("un**believ**able") == f"un{BREAK}*believ*{BREAK}able"


def test_an_address_in_bold_is_not_marked() -> None:
    """
    A marker that touches an address might become part of the link.
    """
    assert render("**https://example.org/a**") == "https://example.org/a"


# Signs that are meant as they are


@pytest.mark.parametrize("sign", ["*", "_", "~", "`"])
def test_a_literal_pair_of_markers_is_shown_and_formats_nothing(sign: str) -> None:
    """
    What Markdown escapes must not become formatting on the phone.
    """
    text = render(rf"so \{sign}this\{sign} here")
    assert spans(text) == []
    assert shown(text) == f"so {sign}this{sign} here"


@pytest.mark.parametrize("plain", ["2 * 3 * 4", "a ~ b ~ c", "snake_case_name", "5 > 3", "a*", "~20 %", "1 ` 2"])
def test_signs_that_cannot_format_are_left_untouched(plain: str) -> None:
    """
    Not even an invisible character is added.
    """
    assert render(plain) == plain


@pytest.mark.parametrize(("markdown", "text"), [(r"\> no quote", "> no quote"), (r"\- no list", "- no list")])
def test_a_line_that_only_looks_like_a_quote_or_a_list_is_kept_from_it(markdown: str, text: str) -> None:
    """
    An invisible break stands before the sign.
    """
    assert render(markdown) == BREAK + text


def test_entities_are_the_signs_they_stand_for() -> None:
    """
    As every Markdown reader shows them.
    """
    assert render("a &amp; b &lt;c&gt; &copy;") == "a & b <c> ©"


def test_a_zero_width_space_in_bold_does_not_keep_it_from_being_bold() -> None:
    """
    The marker goes to the last visible character.
    """
    assert formatted(render("**word\u200b**")) == [("*", "word")]


def test_joined_emoji_stay_joined() -> None:
    """
    The zero width joiner is part of the picture.
    """
    assert render("👩\u200d💻 **👨\u200d👩\u200d👧**") == "👩\u200d💻 *👨\u200d👩\u200d👧*"


@pytest.mark.parametrize("mark", ["\u200e", "\u200f", "\u202b", "\u2067"])
def test_direction_marks_stay_and_do_not_disturb_formatting(mark: str) -> None:
    """
    Arabic and Hebrew texts need them.
    """
    assert render(f"**{mark}שלום**") == f"*{mark}שלום*"


def test_control_characters_are_left_out() -> None:
    """
    C0 and C1, except for line breaks; a tab is spaces.
    """
    assert render("a\x00b\x07c\x1bd\x7fe\x85f\x9bg") == "abcdefg"
    assert render("a\tb") == "a   b"


def test_what_cannot_be_encoded_is_replaced() -> None:
    """
    Half a surrogate pair would fail on its way to Twilio.
    """
    assert render("a\ud83db") == "a\ufffdb"


# Addresses


@pytest.mark.parametrize(
    ("markdown", "whatsapp"),
    [
        ("[the guide](https://example.org/g)", "the guide (https://example.org/g)"),
        ("[the guide][1]\n\n[1]: https://example.org/g", "the guide (https://example.org/g)"),
        ("[**the guide**](https://example.org/g)", "*the guide* (https://example.org/g)"),
        ("[x](<https://example.org/a b>)", "x (https://example.org/a%20b)"),
        ("[write](mailto:a@example.org)", "write (mailto:a@example.org)"),
    ],
)
def test_a_named_link_is_its_name_and_its_address(markdown: str, whatsapp: str) -> None:
    """
    WhatsApp has no named links.
    """
    assert render(markdown) == whatsapp


@pytest.mark.parametrize(
    ("markdown", "whatsapp"),
    [
        ("[https://example.org](https://example.org/)", "https://example.org/"),
        ("[example.org](https://www.example.org)", "https://www.example.org"),
        ("[a@example.org](mailto:a@example.org)", "a@example.org"),
        ("<https://example.org/>", "https://example.org/"),
        ("[](https://example.org/)", "https://example.org/"),
    ],
)
def test_a_link_that_is_named_after_its_address_is_shown_once(markdown: str, whatsapp: str) -> None:
    """
    Only the address where both say the same.
    """
    assert render(markdown) == whatsapp


@pytest.mark.parametrize(
    "address", ["https://example.org/a_b_c*d*e~f~", "http://example.org/?q=_x_&r=1", "www.example.org/_a_"]
)
def test_a_bare_address_is_not_altered(address: str) -> None:
    """
    Nothing in it is markup, and nothing is put into it.
    """
    assert render(f"See {address}, please.") == f"See {address}, please."


@pytest.mark.parametrize(
    "address", ["#top", "javascript:alert(1)", "JavaScript:x", "data:text/html,x", "file:///etc/passwd"]
)
def test_an_address_that_leads_nowhere_on_a_phone_is_not_shown(address: str) -> None:
    """
    Anchors, scripts and files: the name is all that is of use.
    """
    assert render(f"[name]({address})") == "name"


@pytest.mark.parametrize(
    ("markdown", "whatsapp"),
    [
        ("![A cat](https://example.org/c.png)", "A cat (https://example.org/c.png)"),
        ("![](https://example.org/c.png)", "https://example.org/c.png"),
        ("[![A cat](c.png)](https://example.org)", "A cat (https://example.org)"),
    ],
)
def test_an_image_is_its_description_and_its_address(markdown: str, whatsapp: str) -> None:
    """
    A linked image leads where the link does.
    """
    assert render(markdown) == whatsapp


# Lists


@pytest.mark.parametrize("sign", ["-", "*", "+"])
def test_a_bullet_is_a_dash(sign: str) -> None:
    """
    A star would be taken for bold.
    """
    assert render(f"{sign} one\n{sign} two") == "- one\n- two"


def test_a_nested_list_is_indented_with_another_bullet() -> None:
    """
    WhatsApp's own lists have one level.
    """
    assert render("- a\n  - b\n    - c\n- d") == "- a\n  ◦ b\n    ◦ c\n- d"


def test_an_ordered_list_keeps_its_first_number() -> None:
    """
    From there it counts, whatever the source says.
    """
    assert render("3. a\n3. b\n9. c") == "3. a\n4. b\n5. c"


def test_a_numbered_list_in_an_item_is_indented() -> None:
    """
    With numbers of its own.
    """
    assert render("1. a\n   1. b\n   2. c\n2. d") == "1. a\n  1. b\n  2. c\n2. d"


def test_tasks_are_boxes() -> None:
    """
    The box takes the bullet's place, and stands behind a number.
    """
    assert render("- [ ] open\n- [x] done\n- [X] done too") == "☐ open\n☑ done\n☑ done too"
    assert render("1. [x] done") == "1. ☑ done"


def test_a_loose_list_stays_loose() -> None:
    """
    Items with blank lines between them, paragraphs in an item indented.
    """
    assert render("- a\n\n  more\n- b") == "- a\n\n  more\n\n- b"


def test_a_list_stands_right_below_the_line_that_introduces_it() -> None:
    """
    No blank line between a paragraph and its list.
    """
    assert render("Bring:\n\n- a pen\n- paper") == "Bring:\n- a pen\n- paper"


@pytest.mark.parametrize(
    ("markdown", "whatsapp"),
    [
        ("- a\n- b", "- a\n- b"),
        ("1. a\n2. b", "1. a\n2. b"),
        ("- [ ] a\n- [x] b", "☐ a\n☑ b"),
        ("- a\n  - b", "- a\n  ◦ b"),
        ("- a\n\n- b", "- a\n\n- b"),
        ("- a\n  > b", "- a\n> b"),
        ("- a\n  ```\n  b\n  ```", "- a\n```b```"),
    ],
)
def test_a_blank_line_separates_a_list_from_the_paragraph_after_it(markdown: str, whatsapp: str) -> None:
    """
    Of whatever kind the list is, and whatever its last item ends with.
    """
    text = render(f"{markdown}\n\nThings that are often forgotten:\n\n1. c")
    assert text == f"{whatsapp}\n\nThings that are often forgotten:\n1. c"


def test_an_item_without_text_is_a_lone_bullet() -> None:
    """
    With no space behind it.
    """
    assert render("-\n- a") == "-\n- a"


# Tables


def test_a_table_of_one_column_is_a_list_under_its_heading() -> None:
    """
    One bullet for each row.
    """
    assert render("| Fruit |\n|---|\n| apple |\n| pear |") == "*Fruit*\n- apple\n- pear"


def test_a_table_of_two_columns_is_a_list_of_keys_and_values() -> None:
    """
    The headings stand above, in bold; formatting in cells stays.
    """
    table = "| Plan | Price |\n|---|--:|\n| Start | €9 |\n| **Grow** | `29` |"
    assert render(table) == "*Plan: Price*\n- Start: €9\n- *Grow*: `29`"


def test_a_wider_table_is_a_paragraph_for_each_row() -> None:
    """
    The first cell is its title; empty cells are left out.
    """
    table = "| Plan | Price | Support |\n|---|---|---|\n| Start | €9 | E-mail |\n| Grow | | Chat |"
    assert render(table) == "*Plan: Start*\n- Price: €9\n- Support: E-mail\n\n*Plan: Grow*\n- Support: Chat"


def test_a_table_without_rows_is_its_headings() -> None:
    """
    In one bold line.
    """
    assert render("| A | B | C |\n|---|---|---|") == "*A, B, C*"


# Code


def test_a_code_block_stands_between_triple_backticks_without_its_language() -> None:
    """
    Nothing in it is markup, and its indentation stays.
    """
    assert render("```python\nif a:\n    b = *c*\n```") == "```if a:\n    b = *c*```"


def test_an_indented_block_is_code() -> None:
    """
    As in CommonMark.
    """
    assert render("    one\n      two") == "```one\n  two```"


def test_code_in_a_list_starts_at_the_margin() -> None:
    """
    So that it can be copied as it is.
    """
    assert render("1. Run\n   ```\n   ls\n   ```\n2. Done") == "1. Run\n```ls```\n2. Done"


def test_a_fence_that_is_never_closed_is_closed() -> None:
    """
    Models break off in the middle.
    """
    assert render("Run:\n\n```\nls") == "Run:\n\n```ls```"


def test_a_fence_in_a_code_block_does_not_end_it() -> None:
    """
    Triple backticks inside are parted invisibly.
    """
    text = render("````\na\n```\nb\n````")
    assert [marker for marker, _ in formatted(text)] == [FENCE]
    assert shown(text) == "```a\n```\nb```"


def test_an_empty_code_block_is_left_out() -> None:
    """
    Six backticks in a row would be shown as they are.
    """
    assert render("a\n\n```\n\n```\n\nb") == "a\n\nb"


def test_inline_code_stays_and_nothing_in_it_is_markup() -> None:
    """
    Single backticks are WhatsApp's too.
    """
    assert render("Use `*args*` here") == "Use `*args*` here"


def test_inline_code_with_a_backtick_takes_the_triple_ones() -> None:
    """
    Single ones would end at it.
    """
    assert render("`` a`b ``") == "```a`b```"


# Quotes


def test_each_line_of_a_quote_has_its_mark() -> None:
    """
    WhatsApp quotes line by line.
    """
    assert render("> one\n> two\nthree") == "> one\n> two\n> three"


def test_a_blank_line_in_a_quote_is_left_out() -> None:
    """
    It would end the quote.
    """
    assert render("> one\n>\n> two") == "> one\n> two"


def test_a_quote_in_a_quote_is_one_quote() -> None:
    """
    WhatsApp has one level.
    """
    assert render("> one\n>> two") == "> one\n> two"


def test_a_list_in_a_quote_is_quoted() -> None:
    """
    Mark by mark.
    """
    assert render("> - a\n>   - b") == "> - a\n>   ◦ b"


def test_code_in_a_quote_is_code_line_by_line() -> None:
    """
    Triple backticks do not work across quoted lines.
    """
    assert render("> ```\n> one\n> two\n> ```") == "> `one`\n> `two`"


# HTML


@pytest.mark.parametrize(
    ("markdown", "whatsapp"),
    [
        ("<b>x</b> y", "x y"),
        ("<div>\n\n**x**\n\n</div>", "*x*"),
        ("<!-- note -->x", "x"),
        ("<script>alert(1)</script>x", "x"),
        ("<style>p { }</style>x", "x"),
        ("a<p>b</p>c", "a\nb\nc"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
    ],
)
def test_of_html_only_the_text_is_shown(markdown: str, whatsapp: str) -> None:
    """
    Tags begin lines where a browser would; scripts, styles and comments are not text.
    """
    assert shown(render(markdown)) == whatsapp


# Footnotes and sources


def test_a_footnote_is_a_number_in_brackets() -> None:
    """
    WhatsApp has no footnotes; the note stays below.
    """
    assert render("So it is[^1].\n\n[^1]: Somebody said so.") == "So it is[1].\n\n[1]: Somebody said so."


def test_sources_are_listed_below_the_answer() -> None:
    """
    A bold line, then one numbered line for each.
    """
    assert render("Yes.", ["Handbook", "Price list"]) == "Yes.\n\n*Sources:*\n1) Handbook\n2) Price list"


def test_a_source_that_was_used_twice_is_listed_once() -> None:
    """
    At its first place, whatever the spaces in its name.
    """
    assert render("", ["B", "A", " B ", "A"]) == "*Sources:*\n1) B\n2) A"


@pytest.mark.parametrize("sources", [[], [""], [" ", "\n"]])
def test_without_named_sources_there_is_no_list_of_them(sources: list[str]) -> None:
    """
    No lone heading.
    """
    assert render("Yes.", sources) == "Yes."


def test_the_name_of_a_source_is_shown_as_it_is() -> None:
    """
    It is data: on one line, and nothing in it formats.
    """
    text = render("", ["*Terms*\nof_use_ `2026`"])
    assert formatted(text) == [("*", "Sources:")]
    assert shown(text) == "*Sources:*\n1) *Terms* of_use_ `2026`"


# For every text


@EXAMPLES
@given(st.text(max_size=200))
def test_any_text_can_be_rendered(text: str) -> None:
    """
    Whatever a model writes, there is something to send or nothing, but no error; and it can be encoded.
    """
    render(text, [text]).encode("utf-16-le")


@EXAMPLES
@given(MARKUP)
def test_any_heap_of_markup_can_be_rendered(text: str) -> None:
    """
    The same for what consists mostly of markers; no line ends in a space, no gap is wider than a line.
    """
    text = render(text)
    text.encode("utf-16-le")
    assert "\n\n\n" not in re.sub("```.*?```", "", text, flags=re.DOTALL)
    assert text == text.strip()


def test_nesting_without_end_can_be_rendered() -> None:
    """
    What is nested too deep is text, not an error.
    """
    for deep in (">" * 5000 + "a", "- " * 3000 + "a", "[" * 5000, "*" * 5000 + "a", "![" * 2000 + "](x)" * 2000):
        render(deep)


@EXAMPLES
@given(st.lists(st.lists(WORDS, min_size=1, max_size=8).map(" ".join), min_size=1, max_size=4).map("\n\n".join))
def test_plain_text_stays_as_it_is(text: str) -> None:
    """
    Rendering it once or twice changes nothing.
    """
    assert render(text) == text
    assert render(render(text)) == text


@EXAMPLES
@given(st.text("ab1 *_~`", max_size=40))
def test_escaped_text_is_shown_to_the_letter_and_never_formatted(text: str) -> None:
    """
    However many literal markers there are, and wherever they stand.
    """
    escaped = re.sub(r"([*_~`])", r"\\\1", text.strip())
    rendered = render(f"x {escaped}")
    assert spans(rendered) == []
    assert shown(rendered) == f"x {text.strip()}".strip()


@EXAMPLES
@given(
    st.lists(
        st.tuples(st.sampled_from(["**", "*", "~~", "`", "***"]), WORDS, st.sampled_from([" ", "\n", ", "])), min_size=1
    )
)
def test_what_is_styled_in_the_source_is_styled_on_the_phone_and_nothing_else(
    pieces: list[tuple[str, str, str]],
) -> None:
    """
    Every marker that is written opens or closes something: none is left over.
    """
    rendered = render("".join(f"{marker}{word}{marker}{gap}" for marker, word, gap in pieces))
    written = sum(rendered.count(marker) for marker in "*_~`")
    assert written == 2 * len(spans(rendered))
    assert {word for _, word in formatted(rendered)} >= {word for marker, word, _ in pieces if marker != "***"}


@EXAMPLES
@given(
    st.lists(
        st.sampled_from(["a", "b.", "**", "*", "_", "~~", "`", "```", "\n", "\n\n", "- ", "> ", "# ", " ", "\\"]),
        max_size=40,
    )
)
def test_no_marker_is_left_open(pieces: list[str]) -> None:
    """
    Within a line a marker pairs with another of its kind or has nothing to pair with; triple backticks come in pairs.
    """
    rendered = render("".join(pieces))
    unfenced = re.sub(r"```.+?```", "", rendered, flags=re.DOTALL)
    assert FENCE not in unfenced
    loose = unpaired(rendered)
    opening = [at for at in loose if re.compile(rf"(?<!\w)[*_~](?![\s{BREAK}]|$)").match(rendered, at)]
    closing = [at for at in loose if re.compile(rf"(?<![\s{BREAK}])(?<!^)[*_~](?!\w)").match(rendered, at)]
    assert not [
        (start, end)
        for start in opening
        for end in closing
        if start + 1 < end and rendered[start] == rendered[end] and "\n" not in rendered[start:end]
    ]
