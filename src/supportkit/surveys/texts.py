"""Ready-made questions in English, Russian and Chinese: neutral, with both ends labelled. Data, nothing else."""

from __future__ import annotations

from supportkit.surveys.questions import Question, Wording

_AGREE = {
    "en": ("Strongly disagree", "Strongly agree"),
    "ru": ("Совершенно не согласен", "Полностью согласен"),
    "zh": ("非常不同意", "非常同意"),
}


def _agreeing(texts: dict[str, str]) -> dict[str, Wording]:
    return {locale: Wording(text=text, low=_AGREE[locale][0], high=_AGREE[locale][1]) for locale, text in texts.items()}


CSAT = Question(
    id="csat",
    lo=1,
    hi=5,
    wordings={
        "en": Wording(
            text="How satisfied or dissatisfied are you with how your request was handled?",
            low="Very dissatisfied",
            high="Very satisfied",
        ),
        "ru": Wording(
            text="Насколько вы довольны или недовольны тем, как обработали ваше обращение?",
            low="Совсем не доволен",
            high="Полностью доволен",
        ),
        "zh": Wording(text="您对本次问题的处理结果满意还是不满意？", low="非常不满意", high="非常满意"),
    },
)
"""Satisfaction with one request, 1 to 5; 4 and 5 count as satisfied."""

NPS = Question(
    id="nps",
    lo=0,
    hi=10,
    wordings={
        "en": Wording(
            text="How likely or unlikely are you to recommend us to a friend or colleague?",
            low="Not at all likely",
            high="Extremely likely",
        ),
        "ru": Wording(
            text="Насколько вероятно, что вы порекомендуете нас другу или коллеге?",
            low="Совсем не вероятно",
            high="Очень вероятно",
        ),
        "zh": Wording(text="您有多大可能向朋友或同事推荐我们？", low="完全不可能", high="非常可能"),
    },
)
"""Readiness to recommend, 0 to 10, for an NPS-style score."""

CES = Question(
    id="ces",
    lo=1,
    hi=7,
    wordings=_agreeing(
        {
            "en": "It was easy to have my issue handled.",
            "ru": "Решить мой вопрос было легко.",
            "zh": "我的问题很容易就得到了处理。",
        }
    ),
)
"""Customer effort as agreement, 1 to 7; agreeing means little effort."""

ACSI = (
    Question(
        id="acsi_satisfaction",
        lo=1,
        hi=10,
        wordings={
            "en": Wording(
                text="Considering everything, how satisfied are you with our support?",
                low="Very dissatisfied",
                high="Very satisfied",
            ),
            "ru": Wording(
                text="Насколько вы в целом довольны нашей поддержкой?",
                low="Совсем не доволен",
                high="Полностью доволен",
            ),
            "zh": Wording(text="总体而言，您对我们的客户支持满意吗？", low="非常不满意", high="非常满意"),
        },
    ),
    Question(
        id="acsi_expectancy",
        lo=1,
        hi=10,
        wordings={
            "en": Wording(
                text="To what extent did our support fall short of or exceed your expectations?",
                low="Fell far short",
                high="Far exceeded",
            ),
            "ru": Wording(
                text="Насколько наша поддержка не оправдала или превзошла ваши ожидания?",
                low="Совсем не оправдала",
                high="Намного превзошла",
            ),
            "zh": Wording(text="我们的客户支持与您的期望相比如何？", low="远低于期望", high="远高于期望"),
        },
    ),
    Question(
        id="acsi_ideal",
        lo=1,
        hi=10,
        wordings={
            "en": Wording(
                text="Imagine ideal support. How close does ours come to it?",
                low="Very far from it",
                high="Very close to it",
            ),
            "ru": Wording(
                text="Представьте себе идеальную поддержку. Насколько близка к ней наша?",
                low="Очень далека",
                high="Очень близка",
            ),
            "zh": Wording(text="设想理想的客户支持，我们离它有多近？", low="相差很远", high="非常接近"),
        },
    ),
)
"""The three items of an ACSI-style index, 1 to 10: overall, against expectations, against the ideal."""

STANDARD = (CSAT, NPS, CES, *ACSI)
"""All of them."""
