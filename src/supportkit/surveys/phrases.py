"""What the page of a survey says around its questions, in English, Russian and Chinese. Data, nothing else."""

from __future__ import annotations

from typing import Final

PHRASES: Final[dict[str, dict[str, str]]] = {
    "en": {
        "title": "Your opinion",
        "intro": "Your answer helps us to get better.",
        "comment": "Would you like to add something? (optional)",
        "send": "Send answer",
        "change": "Change answer",
        "until": "You can change your answer until {until} (UTC).",
        "thanks": "Thank you, we have received your answer.",
        "again": "Please check your answer and press the button once more.",
        "missing": "Please choose an answer.",
        "wrong": "This answer is not possible here: please choose one of those below.",
        "long": "This text is too long: {most} characters are possible.",
        "scale": "{lo} means: {low}. {hi} means: {high}.",
        "anonymous": "Your answer is anonymous: nothing in it leads back to you, and it cannot be changed.",
        "gone": "This page is not available. The link may be too old, or not complete.",
        "trap": "Please do not follow this link.",
    },
    "ru": {
        "title": "Ваше мнение",
        "intro": "Ваш ответ поможет нам стать лучше.",
        "comment": "Хотите что-нибудь добавить? (необязательно)",
        "send": "Отправить ответ",
        "change": "Изменить ответ",
        "until": "Ответ можно изменить до {until} (UTC).",
        "thanks": "Спасибо, мы получили ваш ответ.",
        "again": "Пожалуйста, проверьте ответ и нажмите кнопку ещё раз.",
        "missing": "Пожалуйста, выберите ответ.",
        "wrong": "Такой ответ здесь невозможен: выберите, пожалуйста, один из предложенных.",
        "long": "Текст слишком длинный: можно не более {most} знаков.",
        "scale": "{lo} означает: {low}. {hi} означает: {high}.",
        "anonymous": "Ответ анонимный: по нему нельзя узнать, кто отвечал, и его нельзя изменить.",
        "gone": "Эта страница недоступна. Возможно, ссылка устарела или скопирована не полностью.",
        "trap": "Пожалуйста, не переходите по этой ссылке.",
    },
    "zh": {
        "title": "您的意见",
        "intro": "您的回答会帮助我们改进。",
        "comment": "您还有什么想补充的吗？（可选）",
        "send": "提交",
        "change": "修改回答",
        "until": "在 {until}（UTC）之前，您可以修改回答。",
        "thanks": "谢谢，我们已收到您的回答。",
        "again": "请检查您的回答，然后再按一次按钮。",
        "missing": "请选择一个答案。",
        "wrong": "这里不能这样回答，请从下面的选项中选择。",
        "long": "文字太长，最多 {most} 个字符。",
        "scale": "{lo} 表示：{low}。{hi} 表示：{high}。",
        "anonymous": "此回答是匿名的，无法由它查到您本人，也不能修改。",
        "gone": "此页面无法打开。链接可能已过期，或不完整。",
        "trap": "请不要打开此链接。",
    },
}


def phrase(locale: str, name: str, **values: object) -> str:
    """Return a text in the language of *locale*, in English where the page does not speak it."""
    texts = PHRASES.get(locale.replace("_", "-").split("-")[0].lower(), PHRASES["en"])
    return texts[name].format(**values) if values else texts[name]
