"""Words that tell what columns are. Data, not rules: add a word here and nothing else changes."""

from __future__ import annotations

# Words in the name of a column that identifies rows.
IDENTIFIER_WORDS = frozenset(
    {"id", "ids", "key", "uuid", "guid", "identifier", "index", "idx", "no", "nr", "number", "rowid", "serial"}
)

# Pairs of texts that mean true and false.
BOOLEAN_PAIRS = frozenset(
    frozenset(pair)
    for pair in (
        ("yes", "no"), ("y", "n"), ("true", "false"), ("t", "f"), ("on", "off"), ("1", "0"),
        ("ja", "nein"), ("oui", "non"), ("si", "no"), ("sí", "no"), ("present", "absent"), ("positive", "negative"),
    )
)  # fmt: skip

# Names that say "this is what is predicted", and how loudly (0 to 1). A whole name counts in full, a name's last
# word nearly so, another of its words half.
TARGET_WORDS: dict[str, float] = {
    **dict.fromkeys(("target", "label", "class", "outcome", "y", "labels", "classification"), 1.0),
    **dict.fromkeys(("churn", "churned", "survived", "survival", "fraud", "default", "diagnosis", "readmitted"), 0.95),
    **dict.fromkeys(("species", "quality", "price", "saleprice", "spam", "defaulted", "damage"), 0.85),
    **dict.fromkeys(
        ("occupancy", "value", "salary", "attrition", "converted", "purchased", "approved", "subscribed"), 0.75
    ),
    **dict.fromkeys(("cnt", "mpg", "demand", "sales", "revenue", "income", "disease", "grade", "score", "rating"), 0.7),
    **dict.fromkeys(("letter", "digit", "risk", "category", "response", "result", "sentiment", "variety"), 0.6),
    **dict.fromkeys(("total", "count", "amount", "fare", "yield", "type", "credit", "status", "cost", "num"), 0.35),
}

# Names that say nothing beside another column of the given name: y of the coordinates x, y, z.
NO_TARGET_BESIDE: dict[str, str] = {"y": "z"}

# Orders of categories, low to high, in lower case; a column whose values are all in one of them is ordered.
ORDERED_CATEGORIES: tuple[tuple[str, ...], ...] = (
    ("low", "medium", "high"),
    ("low", "moderate", "high"),
    ("very low", "low", "medium", "high", "very high"),
    ("none", "low", "medium", "high"),
    ("xs", "s", "m", "l", "xl", "xxl"),
    ("tiny", "small", "medium", "large", "huge"),
    ("poor", "fair", "good", "very good", "excellent"),
    ("bad", "average", "good"),
    ("fair", "good", "very good", "premium", "ideal"),
    ("i1", "si2", "si1", "vs2", "vs1", "vvs2", "vvs1", "if"),
    ("never", "rarely", "sometimes", "often", "always"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    ("beginner", "intermediate", "advanced", "expert"),
    ("junior", "mid", "senior"),
    ("bronze", "silver", "gold", "platinum"),
    ("month-to-month", "one year", "two year"),
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    (
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
        "december",
    ),
    (
        "preschool", "1st-4th", "5th-6th", "7th-8th", "9th", "10th", "11th", "12th", "hs-grad", "some-college",
        "assoc-voc", "assoc-acdm", "bachelors", "masters", "prof-school", "doctorate",
    ),
    ("primary", "secondary", "tertiary"),
    ("high school", "bachelor", "master", "phd"),
    ("0-17", "18-25", "26-35", "36-45", "46-50", "51-55", "55+"),
)  # fmt: skip
