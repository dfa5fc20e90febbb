"""The words that mail programs put around quotes, signatures and automatic answers, by language, as data.

To teach another language, add its words here; no rule is tied to one. Everything is compared in lower case.
"""

from __future__ import annotations

OPENERS = {
    "en": ("on", "at"),
    "de": ("am", "an"),
    "fr": ("le", "el"),
    "es": ("el", "en"),
    "it": ("il", "in data", "il giorno"),
    "pt": ("em", "a", "no dia"),
    "nl": ("op",),
    "da": ("den", "d."),
    "sv": ("den", "på"),
    "no": ("den", "på"),
    "pl": ("w dniu", "dnia", "w dn."),
    "cs": ("dne",),
    "ru": ("в", "во"),
    "uk": ("в", "у"),
    "zh": ("在", "于", "於"),
}
"""What an intro of a quote begins with; many begin with the date itself, which needs no word."""

VERBS = {
    "en": ("wrote", "writes", "said"),
    "de": ("schrieb", "schrieben", "geschrieben", "hat geschrieben", "schreibt"),
    "fr": ("a écrit", "a ecrit", "écrit", "écrivait"),
    "es": ("escribió", "escribio", "ha escrito", "escribe"),
    "it": ("ha scritto", "scrisse", "scrive"),
    "pt": ("escreveu", "escreve"),
    "nl": ("schreef", "het volgende geschreven", "heeft geschreven"),
    "da": ("skrev", "skrev følgende", "skriver"),
    "sv": ("skrev", "skriver"),
    "no": ("skrev", "skreiv", "skriver"),
    "fi": ("kirjoitti",),
    "pl": ("napisał", "napisała", "napisał(a)", "napisal", "napisał/a", "pisze"),
    "cs": ("napsal", "napsala", "napsal(a)", "píše"),
    "ru": ("написал", "написала", "написал(а)", "писал", "писала", "пишет", "wrote"),
    "uk": ("написав", "написала", "написав(ла)", "пише", "писав", "писала"),
    "tr": ("yazdı", "yazmış", "şunları yazdı", "şunu yazdı"),
    "hu": ("írta", "ezt írta", "írt"),
}
"""Verbs of letters with spaces between words; they must stand alone."""

VERBS_WITHOUT_SPACES = {
    "zh": ("写道", "寫道", "写于", "寫於", "撰写", "写到", "编写", "寫到"),
    "ja": ("書きました", "書いた", "のメール", "のメッセージ", "wrote"),
    "ko": ("작성", "썼습니다", "쓴 글", "보낸 메시지", "쓰셨습니다"),
}
"""Verbs of scripts that do not part words."""

FIELDS = {
    "from": (
        "from", "von", "de", "da", "van", "fra", "från", "lähettäjä", "od", "nadawca", "odesílatel", "от", "от кого",
        "від", "від кого", "kimden", "gönderen", "feladó", "发件人", "寄件者", "寄件人", "差出人", "送信元", "送信者",
        "보낸 사람", "보낸사람", "발신", "mittente", "expéditeur", "remitente", "remetente", "отправитель",
        "відправник",
    ),
    "sent": (
        "sent", "date", "gesendet", "datum", "envoyé", "envoye", "date d'envoi", "enviado", "enviado el",
        "enviada em", "enviado em", "fecha", "inviato", "data", "verzonden", "sendt", "dato", "skickat", "lähetetty",
        "päivämäärä", "wysłano", "wyslano", "odesláno", "отправлено", "дата", "надіслано", "відправлено", "tarih",
        "gönderildi", "gönderilme tarihi", "elküldve", "dátum", "küldve", "发送时间", "发送日期", "日期", "傳送時間",
        "寄件日期", "时间", "送信日時", "日時", "日付", "보낸 날짜", "날짜", "보낸날짜", "sendt dato", "发件时间",
        "envoyé le",
    ),
    "to": (
        "to", "an", "à", "a", "para", "aan", "til", "till", "vastaanottaja", "do", "komu", "кому", "kime", "alıcı",
        "címzett", "收件人", "收件者", "宛先", "받는 사람", "받는사람", "수신", "pour", "destinatario",
        "destinataire", "получатель",
    ),
    "subject": (
        "subject", "betreff", "objet", "sujet", "asunto", "oggetto", "assunto", "onderwerp", "emne", "ämne", "aihe",
        "temat", "předmět", "predmet", "тема", "konu", "tárgy", "主题", "主題", "主旨", "件名", "제목",
    ),
    "cc": (
        "cc", "kopie", "copie", "copie à", "kopia", "kopi", "kopio", "dw", "do wiadomości", "копия", "копія", "bilgi",
        "másolat", "抄送", "副本", "참조", "cópia", "in cc", "con copia", "bcc", "写し",
    ),
    "reply-to": (
        "reply-to", "antwort an", "risposta", "rispondi a", "répondre à", "responder a", "antwoorden naar",
        "ответить", "odpowiedz do",
    ),
}  # fmt: skip
"""The names of header fields as mail programs write them above a quote."""

ORIGINAL = (
    "original message", "original", "original email", "original appointment", "reply message", "replied message",
    "ursprüngliche nachricht", "originalnachricht", "original-nachricht", "ursprüngliche mail", "message d'origine",
    "message original", "message initial", "courriel original", "mensaje original", "messaggio originale",
    "messaggio originario", "mensagem original", "oorspronkelijk bericht", "oprindelig meddelelse",
    "original meddelelse", "oprindelig besked", "ursprungligt meddelande", "originalmeddelande",
    "opprinnelig melding", "alkuperäinen viesti", "wiadomość oryginalna", "oryginalna wiadomość", "původní zpráva",
    "původní e-mail", "исходное сообщение", "исходное письмо", "оригинальное сообщение", "первоначальное сообщение",
    "вихідне повідомлення", "оригінальне повідомлення", "orijinal mesaj", "özgün ileti", "orijinal ileti",
    "eredeti üzenet", "原始邮件", "原邮件", "原始信件", "原始訊息", "原始郵件", "回复的原邮件", "元のメッセージ",
    "オリジナルメッセージ", "원본 메시지", "원본 메일",
)  # fmt: skip
"""What stands between rules above a quoted mail."""

FORWARDED = (
    "forwarded message", "begin forwarded message", "forwarded by", "forwarded mail", "weitergeleitete nachricht",
    "anfang der weitergeleiteten nachricht", "weitergeleitete mail", "message transféré", "message transfere",
    "début du message transféré", "début du message réexpédié", "mensaje reenviado", "inicio del mensaje reenviado",
    "messaggio inoltrato", "inizio messaggio inoltrato", "mensagem encaminhada", "mensagem reencaminhada",
    "início da mensagem encaminhada", "doorgestuurd bericht", "begin doorgestuurd bericht", "videresendt meddelelse",
    "videresendt besked", "start på videresendt besked", "vidarebefordrat meddelande", "vidarebefordrat brev",
    "videresendt melding", "välitetty viesti", "edelleenlähetetty viesti", "przekazana wiadomość",
    "wiadomość przekazana dalej", "přeposlaná zpráva", "předaná zpráva", "přeposlaný e-mail",
    "пересылаемое сообщение", "пересланное сообщение", "переадресованное сообщение",
    "начало переадресованного сообщения", "перенаправленное сообщение", "переслане повідомлення",
    "початок листа, що пересилається", "iletilen mesaj", "yönlendirilmiş ileti", "iletilmiş ileti",
    "továbbított üzenet", "转发的邮件", "轉寄的郵件", "转发邮件信息", "轉寄郵件", "转发邮件", "転送されたメッセージ",
    "転送メッセージ", "전달된 메시지", "전달 메시지", "전달된 메일",
)  # fmt: skip
"""What stands above a mail that is passed on."""

SENT_FROM = (
    "sent from", "sent via", "sent with", "sent using", "get outlook for", "sent by my", "gesendet von",
    "gesendet mit", "von meinem iphone gesendet", "von meinem ipad gesendet", "diese nachricht wurde von meinem",
    "holen sie sich outlook für", "outlook für ios beziehen", "outlook für android beziehen", "envoyé de",
    "envoyé depuis", "envoyé à partir de", "télécharger outlook pour", "obtenir outlook pour", "enviado desde",
    "obtener outlook para", "enviado con", "inviato da", "inviato dal", "ottieni outlook per", "enviado do",
    "enviado de", "enviado a partir do", "obter o outlook para", "verzonden vanaf", "verstuurd vanaf",
    "verzonden met", "outlook voor", "sendt fra", "hent outlook til", "hent outlook for", "skickat från",
    "skaffa outlook för", "lähetetty", "hanki outlook", "wysłano z", "wysłane z", "pobierz program outlook",
    "odesláno z", "odesláno ze", "odoslané z", "získejte outlook pro", "отправлено с", "отправлено из", "послано с",
    "скачайте outlook для", "скачать outlook для", "надіслано з", "надіслано із", "відправлено з", "gönderildi",
    "iphone'umdan gönderildi", "ipad'imden gönderildi", "outlook'u edinin", "elküldve az", "iphone-ról küldve",
    "iphone készülékemről küldve", "az outlook beszerzése", "发自我的", "从我的", "来自我的", "發自我的", "從我的",
    "寄自我的", "获取 outlook", "取得 outlook", "iphoneから送信", "ipadから送信", "androidから送信", "outlook for",
    "나의 iphone에서 보냄", "내 iphone에서 보냄", "iphone에서 보냄", "나의 ipad에서 보냄", "삼성 스마트폰에서 보냄",
)  # fmt: skip
"""What mobile programs write under a mail."""

AUTO_REPLY_SUBJECTS = (
    "automatic reply", "auto reply", "auto-reply", "autoreply", "automatic response", "auto response",
    "auto-response", "autoresponse", "autoresponder", "out of office", "out of the office", "out-of-office",
    "vacation reply", "vacation response", "on vacation", "abwesenheit", "abwesenheitsnotiz", "abwesend",
    "automatische antwort", "nicht im büro", "réponse automatique", "absence du bureau", "message d'absence",
    "notification d'absence", "respuesta automática", "respuesta automatica", "fuera de la oficina",
    "fuera de oficina", "risposta automatica", "fuori ufficio", "fuori sede", "resposta automática",
    "resposta automatica", "ausência temporária", "fora do escritório", "automatisch antwoord",
    "automatische beantwoording", "afwezig", "afwezigheid", "autosvar", "automatisk svar", "automatiskt svar",
    "frånvaro", "fravær", "fraværende", "ikke til stede", "automaattinen vastaus", "poissa", "poissaoloviesti",
    "odpowiedź automatyczna", "automatyczna odpowiedź", "autoodpowiedź", "poza biurem", "automatická odpověď",
    "mimo kancelář", "nepřítomnost", "автоматический ответ", "автоответ", "автоответчик", "вне офиса",
    "отсутствие на рабочем месте", "автоматична відповідь", "автовідповідь", "поза офісом", "otomatik yanıt",
    "otomatik cevap", "ofis dışında", "automatikus válasz", "házon kívül", "自动回复", "自動回覆", "自動回信",
    "自动答复", "外出", "不在办公室", "自動返信", "自動応答", "不在通知", "不在のお知らせ", "자동 회신", "자동회신",
    "자동 응답", "부재중",
)  # fmt: skip
"""What the subject of an automatic answer begins with."""

BOUNCE_SUBJECTS = (
    "undeliver", "undelivered", "non-deliver", "nondeliver", "non deliver", "not delivered", "delivery failure",
    "delivery failed", "delivery has failed", "failed delivery", "delivery error", "delivery problem",
    "delivery report", "delivery status", "delivery notification", "delivery incomplete", "delivery delayed",
    "delayed mail", "mail delivery", "delivery is delayed", "message delayed", "returned mail", "returned email",
    "returned to sender", "return to sender", "mail returned", "failure notice", "mail failure", "mail system error",
    "mail error", "message status", "bounce", "could not be delivered", "couldn't be delivered",
    "could not send message", "cannot be delivered", "can not be delivered", "unable to deliver", "undeliverable",
    "message rejected", "address rejected", "user unknown", "unknown user", "unknown recipient", "recipient unknown",
    "warning: could not send", "warning: message", "nachricht nicht zugestellt", "unzustellbar", "nicht zugestellt",
    "nicht zustellbar", "zustellung fehlgeschlagen", "zustellungsbericht", "non remis", "non distribué",
    "échec de remise", "échec de la remise", "échec de distribution", "no se pudo entregar",
    "no se ha podido entregar", "no entregado", "error de entrega", "mancata consegna", "recapito non riuscito",
    "non recapitabile", "não entregue", "falha na entrega", "não foi possível entregar", "onbestelbaar",
    "niet bezorgd", "kan ikke leveres", "ikke leveret", "uleverbar", "går inte att leverera", "kunde inte levereras",
    "toimitus epäonnistui", "niedostarczalna", "niedostarczona", "nie dostarczono", "nedoručiteln", "nedoručen",
    "недоставлен", "не доставлен", "невозможно доставить", "сообщение не доставлено", "ошибка доставки",
    "недоставлено", "не доставлено", "teslim edilemedi", "kézbesíthetetlen", "nem kézbesíthető", "退信", "无法投递",
    "無法投遞", "无法送达", "投递失败", "寄送失敗", "未送達", "配信不能", "配信できません", "配達不能",
    "エラーメール", "送信エラー", "전송 실패", "배달되지", "반송",
)  # fmt: skip
"""What the subject of a returned mail has in it."""


def words(table: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the words of all languages of *table*, each once, the longest first."""
    return tuple(sorted({word for several in table.values() for word in several}, key=lambda word: (-len(word), word)))
