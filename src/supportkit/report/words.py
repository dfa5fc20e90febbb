"""The words of reports in English, Russian and Chinese. A test holds the three tables against each other."""

from __future__ import annotations

from collections.abc import Mapping

from supportkit.templates.locales import chain

LOCALES = ("en", "ru", "zh")

_TABLE: Mapping[str, tuple[str, str, str]] = {
    "title": ("Support report", "Отчёт службы поддержки", "客户支持报告"),
    "period": ("{since} to {until}, {zone}", "{since} – {until}, {zone}", "{since} 至 {until}，{zone}"),
    "beginning": ("Beginning", "Начало", "最初"),
    "judged": ("As of {now}", "По состоянию на {now}", "截至 {now}"),
    "tickets": ("{n} tickets looked at", "Рассмотрено обращений: {n}", "共查看 {n} 个工单"),
    "left_out": ("Left out", "Не учтено", "未计入"),
    "filter": ("Filter", "Фильтр", "筛选"),
    "summary": ("At a glance", "Главное", "概览"),
    "promises": ("Promises", "Обещанные сроки", "服务承诺"),
    "promises_about": (
        "Share of promises kept. What is open and past due is broken; what is open and not yet due is not counted.",
        "Доля выполненных обещаний. Просроченное и ещё открытое — нарушено; то, чей срок не настал, не считается.",
        "按时兑现的承诺所占比例。逾期未完成视为违约；尚未到期的不计入。",
    ),
    "over_time": ("{name} over time", "{name} во времени", "{name}的变化"),
    "control": (
        "Control limits are those of the noise of every day. Filled points lie outside of them or end a run of eight.",
        "Контрольные границы показывают обычный разброс. Закрашенные точки — вне границ или завершают серию из восьми.",
        "控制限表示日常波动的范围。实心点超出控制限，或连续八点位于中线同侧。",
    ),
    "volumes": ("Volumes and backlog", "Поток и очередь", "工单量与积压"),
    "created": ("Created", "Создано", "新建"),
    "resolved": ("Resolved", "Решено", "已解决"),
    "backlog": ("Backlog", "Очередь", "积压"),
    "times": ("How long it takes", "Сколько времени уходит", "所需时间"),
    "solutions": ("How it ends", "Чем заканчивается", "处理结果"),
    "tiers": ("Support lines", "Линии поддержки", "支持层级"),
    "tier": ("Line {k}", "Линия {k}", "第 {k} 级"),
    "scores": ("Satisfaction", "Удовлетворённость", "满意度"),
    "channels": ("Channels", "Каналы", "渠道"),
    "topics": ("Topics", "Темы", "主题"),
    "agents": ("People", "Сотрудники", "客服人员"),
    "agents_about": (
        "A funnel plot, not a ranking: between the lines people do not differ by more than chance. Under ten cases no value is shown.",
        "Воронка, а не рейтинг: между линиями различия случайны. При числе случаев меньше десяти значение не показывается.",
        "这是漏斗图，不是排名：位于两线之间的差异属于偶然。少于十个案例时不显示数值。",
    ),
    "coverage": ("When customers write", "Когда пишут клиенты", "客户何时联系"),
    "coverage_about": (
        "Contacts by the customers' own clocks. A frame marks hours in which most came while the desk was closed.",
        "Обращения по местному времени клиентов. Рамкой отмечены часы, когда большинство пришло в нерабочее время.",
        "按客户当地时间统计的联系量。带框的时段表示多数联系发生在非服务时间。",
    ),
    "cases": ("Cases", "Случаи", "案例数"),
    "definitions": ("What the numbers mean", "Что означают числа", "指标定义"),
    "definitions_about": (
        "Definitions are given in English; their ids are stable.",
        "Определения приведены на английском; их идентификаторы неизменны.",
        "定义以英文给出；其标识符保持不变。",
    ),
    "measure": ("Measure", "Показатель", "指标"),
    "value": ("Value", "Значение", "数值"),
    "interval": ("95 % interval", "95 %-й интервал", "95% 区间"),
    "definition": ("Definition", "Определение", "定义"),
    "notes": ("Notes", "Примечания", "备注"),
    "name": ("Name", "Название", "名称"),
    "contacts": ("Share", "Доля", "占比"),
    "reply_median": ("First reply, median", "Первый ответ, медиана", "首次回复中位数"),
    "untagged": ("without a topic", "без темы", "无主题"),
    "others": ("all others", "остальные", "其他"),
    "endings": ("Endings", "Исходы", "结果"),
    "no_data": ("No data", "Нет данных", "暂无数据"),
    "exact": ("exact count", "точный подсчёт", "精确计数"),
    "made": ("Made by supportkit", "Создано supportkit", "由 supportkit 生成"),
    "association": (
        "Numbers are associations, not effects.", "Числа показывают связь, а не причину.", "数字表示关联，而非因果。"
    ),
    # -- measures, by the beginning of the id
    "sla.attainment.first_response": ("First response in time", "Первый ответ в срок", "首次响应按时率"),
    "sla.attainment.next_response": ("Next response in time", "Следующий ответ в срок", "后续响应按时率"),
    "sla.attainment.resolution": ("Resolution in time", "Решение в срок", "按时解决率"),
    "sla.attainment": ("Promise kept: {name}", "Обещание выполнено: {name}", "承诺兑现：{name}"),
    "resolution.within_30d": ("Solved within 30 days", "Решено за 30 дней", "30 天内解决率"),
    "fcr.7d": ("Solved at first contact", "Решено с первого обращения", "首次联系解决率"),
    "reopen.7d": ("Reopened within 7 days", "Открыто снова за 7 дней", "7 天内重开率"),
    "one_touch": ("Solved with one reply", "Решено одним ответом", "一次回复解决率"),
    "escalation.any": ("Escalated", "Передано выше", "升级率"),
    "escalation.tier": ("Went up", "Передано выше", "向上升级"),
    "resolved_share.tier": ("Resolved here", "Решено здесь", "本级解决"),
    "containment.l1": ("Never left line 1", "Не покидало линию 1", "始终在第 1 级"),
    "tickets.created": ("Tickets created", "Создано обращений", "新建工单"),
    "tickets.resolutions": ("Resolutions", "Решений", "解决次数"),
    "tickets.reopenings": ("Reopenings", "Повторных открытий", "重开次数"),
    "volume": ("Contacts", "Контактов", "联系量"),
    "backlog.count": ("Backlog", "Очередь", "积压"),
    "backlog.age": ("Age of the backlog", "Возраст очереди", "积压工单时长"),
    "first_reply": ("First reply", "Первый ответ", "首次回复"),
    "next_reply": ("Next reply", "Следующий ответ", "后续回复"),
    "open_next_reply": ("Waiting for a further reply", "Ждут следующего ответа", "等待后续回复"),
    "replies": ("Replies", "Ответов", "回复次数"),
    "reopens": ("Reopenings", "Повторных открытий", "重开次数"),
    "level_changes": ("Moves between lines", "Переходов между линиями", "层级变动"),
    "requester_wait": ("Customer waits", "Клиент ждёт", "客户等待"),
    "agent_wait": ("Desk waits", "Поддержка ждёт клиента", "等待客户"),
    "on_hold": ("Others are waited for", "Ожидание других", "等待第三方"),
    "first_resolution": ("First resolution", "Первое решение", "首次解决"),
    "full_resolution": ("Last resolution", "Окончательное решение", "最终解决"),
    "tier_time": ("Time in line", "Время на линии", "层级停留时间"),
    "coverage.outside_desk_hours": ("Came while closed", "Пришло в нерабочее время", "非服务时间联系"),
    "coverage.local_day_unserved": (
        "Closed in the customer's day", "Закрыто в рабочий день клиента", "客户工作时间内无人服务"
    ),
    "csat": ("Satisfied customers", "Довольные клиенты", "满意客户"),
    "csat.mean": ("Mean rating", "Средняя оценка", "平均评分"),
    "nps": ("NPS-style score", "Индекс рекомендаций (NPS-style)", "NPS 式得分"),
    "csi": ("Customer satisfaction index", "Индекс удовлетворённости (CSI)", "客户满意度指数"),
    "ces": ("Effort", "Усилие", "费力程度"),
    "acsi": ("ACSI-style score", "Индекс ACSI-style", "ACSI 式得分"),
    "response.sent": ("Response rate", "Доля ответивших", "回复率"),
    "median": ("median", "медиана", "中位数"),
    "p90": ("9 of 10 within", "9 из 10 не дольше", "九成不超过"),
    "mean": ("mean", "среднее", "平均"),
    "max": ("oldest", "самое старое", "最久"),
    "calendar": ("calendar time", "календарное время", "自然时间"),
    "business": ("business time", "рабочее время", "工作时间"),
    # -- warnings
    "warning.no_data": ("no data", "нет данных", "无数据"),
    "warning.hidden_small_n": ("hidden: under 10 cases", "скрыто: меньше 10 случаев", "已隐藏：少于 10 例"),
    "warning.indicative": ("indicative: under 30", "ориентировочно: меньше 30", "仅供参考：少于 30"),
    "warning.wide_interval": ("wide interval", "широкий интервал", "区间较宽"),
    "warning.low_response": ("few answered", "мало ответивших", "回复率低"),
    "warning.low_coverage": ("few work logs", "мало записей о работе", "工时记录不足"),
    "warning.quantile_sample_too_small": ("sample too small", "выборка мала", "样本过小"),
    "warning.open_period": ("period not over", "период не завершён", "周期未结束"),
    "warning.short_baseline": ("short baseline", "короткая база", "基线过短"),
    "warning.small_expected_count": ("few expected", "мало ожидаемых случаев", "期望计数过小"),
    "warning.flagged_answers": ("suspicious answers left out", "подозрительные ответы исключены", "已排除可疑回答"),
    "warning.unknown_zone": ("zones unknown", "часовой пояс неизвестен", "时区未知"),
    "warning.shares_exceed_100": ("shares add to over 100 %", "доли в сумме больше 100 %", "占比合计超过 100%"),
    "warning.mixed_languages": ("languages mixed", "языки смешаны", "多语言混合"),
    "warning.span_infeasible": ("span impossible", "норма невозможна", "管理幅度不可行"),
    "warning.unlisted": ("see the reference", "см. справочник", "见参考文档"),
    # -- reasons for leaving tickets out, and endings
    "reason.spam": ("spam", "спам", "垃圾信息"),
    "reason.merged": ("merged", "объединено", "已合并"),
    "reason.duplicate": ("duplicate", "дубликат", "重复"),
    "reason.test": ("test", "проверка", "测试"),
    "reason.mystery_shopper": ("mystery shopper", "тайный покупатель", "神秘顾客"),
    "reason.internal": ("internal", "внутреннее", "内部"),
    "reason.immature": ("too young", "слишком новые", "未到期限"),
    "reason.running": ("not yet due", "срок не настал", "尚未到期"),
    "reason.unresolved": ("unresolved", "не решено", "未解决"),
    "reason.blank": ("blank", "без ответа", "未作答"),
    "reason.open": ("open", "открыто", "未完成"),
    "reason.solved": ("solved", "решено", "已解决"),
    "reason.no_answer": ("no answer", "нет ответа", "无回复"),
    "reason.not_ours": ("not ours", "не наше", "非本部门"),
    "reason.unknown_zone": ("zone unknown", "пояс неизвестен", "时区未知"),
    # -- days
    "day.0": ("Mon", "Пн", "周一"),
    "day.1": ("Tue", "Вт", "周二"),
    "day.2": ("Wed", "Ср", "周三"),
    "day.3": ("Thu", "Чт", "周四"),
    "day.4": ("Fri", "Пт", "周五"),
    "day.5": ("Sat", "Сб", "周六"),
    "day.6": ("Sun", "Вс", "周日"),
}  # fmt: skip


def language_of(locale: str) -> str:
    """Return the language of ours in which to write for a locale: the nearest of its chain."""
    return next((one for one in chain(locale) if one in LOCALES), "en")


class Words:
    """The words of one language."""

    def __init__(self, locale: str) -> None:
        self.language = language_of(locale)
        place = LOCALES.index(self.language)
        self._texts = {key: texts[place] for key, texts in _TABLE.items()}

    def __call__(self, key: str, **values: object) -> str:
        """Return a text; *values* stand in place of its names."""
        text = self._texts[key]
        return text.format(**values) if values else text

    def known(self, key: str, otherwise: str) -> str:
        """Return a text, or what to say where there is none."""
        return self._texts.get(key, otherwise)

    def label(self, definition: str) -> str:
        """Return what people call a measure: by the longest beginning of its id that has words."""
        name = definition.partition("/")[0]
        parts = name.replace(".top", "._top").split(".")
        if name.startswith("csat.mean"):
            return self._texts["csat.mean"]
        for end in range(len(parts), 0, -1):
            key = ".".join(parts[:end])
            key = (
                key.split(".tier_")[0] + ".tier"
                if key.startswith(("escalation.tier_", "resolved_share.tier_"))
                else key
            )
            if key == "sla.attainment":
                return self("sla.attainment", name=".".join(parts[end:]))
            if key in self._texts:
                return self._texts[key]
        return name


def table() -> Mapping[str, tuple[str, str, str]]:
    """Return all texts, for the test that they are complete."""
    return _TABLE
