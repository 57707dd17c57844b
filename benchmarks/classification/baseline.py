"""The plain baseline: what a header says to some forty regular expressions, the first that fits."""

from __future__ import annotations

import re

from classifiers.taxonomy import GENERAL

HEADERS: tuple[tuple[str, str], ...] = (
    (r"e-?mail|correo|courriel|邮箱|电子邮件", "pi.contact.email"),
    (r"phone|mobile|\bcell|\btel|fax|telefon|handy|手机|电话|联系方式|传真|電話", "pi.contact.mobile"),
    (r"wechat|twitter|instagram|user_?name|nick|profile_?url|微信|qq|用户名", "pi.contact.online"),
    (r"passw|\bpwd|\bpin\b|secret|密码|口令", "pi.credential"),
    (r"身份证|证件号|sfz", "pi.id.resident"),
    (r"护照|驾驶证|通行证|军官证|passport|driver.*licen|reisepass", "pi.id.document"),
    (r"社保|社会保障|医保|insurance_?(no|num|id)|member_?id", "pi.id.social"),
    (r"ssn|social_?security|nino|\bdni\b|\bcpf\b|aadhaar|steuer|nhs|tax_?id", "pi.id.foreign"),
    (r"imei|\bmac\b|device|serial|设备|序列号", "pi.device"),
    (r"\bplate|licen[cs]e_?no|\bvin\b|vehicle|车牌|车架|号牌", "pi.vehicle"),
    (r"fingerprint|face_?id|iris|biometric|指纹|人脸", "pi.biometric"),
    (r"iban|card_?(no|num)|account_?(no|num)|konto|银行.*号|卡号|账号|账户", "finance.account"),
    (r"\bip\b|\bip_?addr|ip地址", "pi.network"),
    (r"\blat\b|latitude|\blon|\blng|longitude|coordinat|gps|经度|纬度|坐标", "pi.location"),
    (r"post_?code|zip|\bplz\b|postal|邮编|邮政编码", "pi.postcode"),
    (r"address|street|\baddr|adresse|direcci|住址|地址|住所", "pi.address"),
    (r"birth|\bdob\b|geburt|naissance|nacim|出生|生日", "pi.birth-date"),
    (r"\bage\b|alter\b|edad|年龄", "pi.age"),
    (r"gender|\bsex|geschlecht|sexo|性别", "pi.gender"),
    (r"ethnic|\brace\b|民族", "pi.ethnicity"),
    (r"nationality|origin|native|籍贯|国籍", "pi.origin"),
    (r"marital|marriage|婚姻", "pi.marital"),
    (r"education|degree|学历|文化程度", "pi.education"),
    (r"occupation|job|employer|profession|职业|职务|工作单位", "pi.work"),
    (r"religio|宗教|信仰", "pi.religion"),
    (r"politic|party\b|政治面貌", "pi.political"),
    (r"diagnos|disease|icd|blood|allerg|medicat|病|诊断|血型|残疾", "pi.health"),
    (r"crim|offen[cs]e|conviction|违法|犯罪|处罚", "pi.criminal"),
    (r"note|comment|remark|description|备注|说明", "pi.text"),
    (r"salary|income|wage|balance|amount|payment|gehalt|工资|收入|余额|金额", "finance.personal"),
    (r"company|organi[sz]ation|firm|hospital|school|单位名称|企业名称|机构|公司", "org.name"),
    (r"\bein\b|\bvat|统一社会信用|组织机构代码", "org.id"),
    (r"country|state|city|region|province|county|\bort\b|ville|省|市|区划|国家", "geo.region"),
    (r"(admi|discharge|visit|register|hire|order|payment).*(date|time)|日期|时间", "pi.event-date"),
    (r"date\b|\bdate|datum|_at$|fecha", "pi.event-date"),
    (r"name|nom\b|nombre|姓名|名字|氏名|人$", "pi.name"),
    (r"(patient|customer|client|person|employee|student|member|order|record|case)_?(id|no)", "pi.id.generic"),
    (r"编号|学号|工号|\bid\b", "pi.id.generic"),
)
_COMPILED = tuple((re.compile(pattern), tag) for pattern, tag in HEADERS)


def propose(header: str) -> str:
    """Return the tag of the first expression found in *header* as words in lower case."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", header).lower()
    # An underscore is a letter to ``\b``; a second look with spaces in its place makes it none.
    texts = (words, re.sub(r"[_\-.]", " ", words))
    return next((tag for rule, tag in _COMPILED if any(rule.search(text) for text in texts)), GENERAL)
