"""Shapes of values without a check digit: phones, addresses in networks and streets, plates, codes, masks."""

from __future__ import annotations

from typing import NamedTuple


class Shape(NamedTuple):
    """Whole normalised values like *regex* speak for *tag*; *share* and *chance* as in `patterns.Pattern`."""

    tag: str
    rule: str
    weight: float
    regex: str
    share: float = 0.6
    chance: float = 1e-5


MOBILE_PREFIX = r"1(?:3\d|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])"
"""Of Chinese mobile numbers, those given out (telephone numbering plan of 2017)."""
MASKED_RESIDENT = r"^[1-9]\d{0,9}\*{4,16}\d{0,9}[\dX]$"
MASKED_CARD = r"^(\d{4,6}\*{5,13}\d{3,4}|\*{8,15}\d{4})$"
MASKED_IBAN = r"^[A-Z]{2}\d{2}[0-9A-Z]{0,8}\*{4,}[0-9A-Z]{2,4}$"

PERMIT = r"^([HM]\d{8}(\d{2})?|C[A-Z]\d{7}|CW\d{7})$"
DOCUMENT = r"^((E[A-HJ-NP-Z]?|[GDPS]|[SDP]E)(\d{8}|\d{7})|[HMT]\d{8}(\d{2})?|C[A-Z]\d{7})$"
WECHAT = r"(?i)^wxid_[a-z0-9*]{6,}$"
USER_NAME = r"(?i)^[a-z][a-z0-9_*-]{5,19}$"
_OCTET = r"(25[0-5]|2[0-4]\d|1?\d?\d|\*)"
_HEX = r"[0-9a-fA-F]{1,4}"
_TROOPS = "军士兵官武警海空陆政参后联装沈北兰济南广成东西中部"
"""What stands before 字 in numbers of soldiers; where 第 is left out, other words do too (文字)."""
PLATE_PREFIXES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_STREETS = (
    "street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|court|ct"
    "|way|place|pl|terrace|close|crescent|parkway|highway|circle"
)
_DECIMAL = r"[-+]?\d{1,3}\.\d{3,}"

_AREAS = (
    "A[BL]|B[ABDHLNRST]|C[ABFHMORTVW]|D[ADEGHLNTY]|E[CHNX]|F[KY]|G[LUY]|H[ADGPRSUX]|I[GMPV]|JE|K[ATWY]"
    "|L[ADELNSU]|M[EKL]|N[EGNPRW]|O[LX]|P[AEHLOR]|R[GHM]|S[AEGKLMNOPRSTWY]|T[ADFNQRSW]|UB|W[ACDFNRSV]|YO|ZE"
)
"""Areas of postcodes of two letters; without a blank plates of Italy and France look like postcodes."""
_POSTCODE_GB = (
    r"(?i)^([A-Z]{1,2}\d[A-Z0-9]? \d[A-Z]{2}|[A-Z]\d[A-Z0-9]?\d[A-Z]{2}"
    rf"|({_AREAS})\d[A-Z0-9]?\d[A-Z]{{2}})$"
)

_SURE_ADDRESS = (
    r"(路|街|道|巷|弄|胡同|村|小区|花园|苑|里)\S{0,10}?(\d+|[\*]{2,})\s?\S{0,3}?(号|弄|幢|栋|室|单元|组|户)"
)

SHAPES: tuple[Shape, ...] = (
    Shape("pi.contact.email", "email", 0.97, r"^[^@\s]+@[\w-]+(\.[\w-]+)+$"),
    Shape(
        "pi.contact.mobile",
        "phone-e164",
        0.93,
        r"^(\+|00)[1-9]\d{0,2}[ .(-]?\(?\d[\d ().-]{5,16}\d( ?(x|ext\.?) ?\d+)?$",
    ),
    Shape(
        "pi.contact.mobile",
        "phone-nanp",
        0.88,
        r"^(\+?1[-. ]?)?(\([2-9]\d\d\) ?|[2-9]\d\d[-. ])[2-9]\d\d[-. ]\d{4}( ?(x|ext\.?) ?\d+)?$",
    ),
    Shape("pi.id.foreign", "ssn-us", 0.92, r"^(\d{3}|[*xX]{3})[- ](\d{2}|[*xX]{2})[- ]\d{4}$"),
    Shape("pi.id.foreign", "nino-gb", 0.95, r"(?i)^[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?(\d\d ?){3}[A-D]$"),
    Shape("org.id", "ein-us", 0.7, r"^\d{2}-\d{7}$"),
    Shape(
        "org.id",
        "register-de",
        0.9,
        r"(?i)^((AG|Amtsgericht) [\w .-]{2,25} )?(HR[AB]|GnR|VR) ?\d{1,6}( ?[A-Z]{1,2})?( [\w .-]{3,25})?$",
        0.6,
        0.01,
    ),
    Shape("org.id", "lei", 0.8, r"^[0-9]{4}00[0-9A-Z]{12}\d{2}$"),
    Shape("pi.contact.online", "handle", 0.85, r"^@[A-Za-z0-9_.]{2,30}$"),
    Shape(
        "pi.contact.online",
        "profile-url",
        0.85,
        r"(?i)^(https?://)?(www\.|m\.)?"
        r"(linkedin|github|twitter|x|facebook|instagram|weibo|zhihu|tiktok|douyin|xing|vk)\.(com|cn)/.",
    ),
    Shape("pi.network", "ipv4", 0.93, rf"^([1-9]\d|1\d\d|2[0-4]\d|25[0-5])(\.{_OCTET}){{3}}(:\d+|/\d+)?$"),
    Shape(
        "pi.network",
        "ipv6",
        0.96,
        rf"^(({_HEX}:){{7}}{_HEX}|(({_HEX}:){{1,6}}|:)(:{_HEX}){{1,6}}|({_HEX}:){{1,7}}:)(/\d+)?$",
    ),
    Shape(
        "pi.device",
        "mac",
        0.95,
        r"^([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}$|^([0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}$",
    ),
    Shape(
        "pi.vehicle",
        "plate-cn",
        0.96,
        rf"^([{PLATE_PREFIXES}使领][A-Za-z][ ·.-]?[A-Za-z0-9*]{{4,5}}[A-Za-z0-9*挂学警港澳使领急]"
        rf"|[{PLATE_PREFIXES}][A-Za-z][ ·.-]?[A-Za-z0-9]{{3,4}}应急|\d{{6}}[使领]"
        rf"|WJ[ ·.-]?[{PLATE_PREFIXES}][ ·.-]?[A-Z0-9]{{4,5}}[A-Z0-9])$",
    ),
    Shape("pi.vehicle", "plate-gb", 0.75, r"^[A-Z]{2}\d{2} ?[A-Z]{3}$"),
    Shape("pi.vehicle", "plate-de", 0.7, r"^[A-ZÄÖÜ]{1,3}[- ][A-Z]{1,2} \d{1,4}[EH]?$"),
    Shape("pi.vehicle", "plate-fr", 0.75, r"^[A-HJ-NP-TV-Z]{2}-\d{3}-[A-HJ-NP-TV-Z]{2}$"),
    Shape("pi.id.document", "permit-cn", 0.65, PERMIT),
    Shape(
        "pi.id.document",
        "officer-cn",
        0.9,
        rf"^([\x{{4e00}}-\x{{9fff}}]{{1,3}}字第|[{_TROOPS}]{{1,3}}字)\d{{5,10}}号?$",
    ),
    Shape(
        "pi.credential",
        "password-hash",
        0.95,
        r"^(\$(2[abxy]|argon2\w*|[156y]|pbkdf2[\w-]*)\$|\$[HPS]\$[./0-9A-Za-z]{31,52}$"
        r"|\{S?SHA|pbkdf2[_:])",
    ),
    Shape("pi.credential", "token", 0.9, r"^(eyJ[\w-]+\.|sk_(live|test)_|AKIA[0-9A-Z]{16}|gh[pousr]_\w{20})"),
    Shape("pi.id.generic", "uuid", 0.5, r"(?i)^\{?[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\}?$"),
    Shape(
        "pi.location",
        "coordinates",
        0.9,
        rf"^[(\[]?{_DECIMAL}°?\s?[NS]?\s?[,;/ ]\s?{_DECIMAL}°?\s?[EW]?[)\]]?$",
    ),
    Shape(
        "pi.location", "wkt", 0.85, r"(?i)^(srid=\d+;)?(point|(multi)?linestring|(multi)?polygon) ?z?m? ?\("
    ),
    Shape(
        "pi.location",
        "degrees-minutes",
        0.9,
        r"^[NSEW东西南北]?[经纬]?[:,]?\s?\d{1,3}\s?[°º度]\s?\d{1,2}\s?['′’分]|^[东西]经[:,]?\s?\d+\.\d+.{1,4}[南北]纬",
    ),
    Shape("pi.postcode", "postcode-gb", 0.93, _POSTCODE_GB),
    Shape("pi.postcode", "postcode-ca", 0.93, r"(?i)^[A-Z]\d[A-Z] ?\d[A-Z]\d$"),
    Shape("pi.postcode", "postcode-nl", 0.85, r"^[1-9]\d{3} ?[A-Z]{2}$"),
    Shape("pi.postcode", "postcode-jp", 0.85, r"^〒?\s?\d{3}-\d{4}$"),
    Shape("pi.postcode", "zip-4", 0.85, r"^\d{5}-\d{4}$"),
    Shape("pi.age", "age-words", 0.9, r"(?i)^\d{1,3} ?(周?岁半?|个月|月龄|years?( old)?|yrs?|y/?o)$"),
    Shape(
        "pi.age",
        "age-bands",
        0.55,
        r"^[\[(]?\d{1,2} ?[-–~至] ?\d{1,3}[)\]]? ?(岁|years)?$|^\d{2}\+$|^\d{2}岁(及?以上|以下)$",
    ),
    Shape(
        "pi.name", "name-masked", 0.85, r"^[\x{4e00}-\x{9fff}]{1,2}(\*{1,3}|[某X]{1,2})[\x{4e00}-\x{9fff}]?$"
    ),
    Shape("pi.name", "name-dotted", 0.85, r"^[\x{4e00}-\x{9fff}]{2,8}[·•][\x{4e00}-\x{9fff}]{2,8}$"),
    Shape(
        "pi.id.document",
        "passport-cn",
        0.75,
        r"(?i)^(E[A-HJ-NP-Z]?|[GDPS]|[SDP]E)(\d{8}|\d{7}|\d{2,3}\*{3,5}\d{2,3})$",
        0.6,
        0.1,
    ),
    Shape("pi.vehicle", "vin-shape", 0.75, r"^[A-HJ-NPR-Z0-9]{3}[A-Z][A-HJ-NPR-Z0-9]{8,9}\d{4}$", 0.75, 0.02),
    Shape(
        "pi.contact.online",
        "user-name",
        0.3,
        r"^[a-z]{3,}[a-z._-]*(\d{1,4}|[._-][a-z]+)[a-z0-9._-]{0,8}$",
        0.8,
        0.1,
    ),
    Shape("pi.credential", "hex-hash", 0.3, r"(?i)^([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$", 0.8, 0.01),
    Shape("pi.biometric", "base-64", 0.4, r"^(data:image/|[A-Za-z0-9+/]{120,}=*$)", 0.7, 0.01),
    Shape("pi.postcode", "zip-5", 0.15, r"^\d{5}$", 0.9, 0.5),
    Shape(
        "pi.address",
        "address-zh",
        0.85,
        rf"[省市区县旗州].*(路|街|道|巷|弄|胡同|村|镇|乡|小区|号|室)|{_SURE_ADDRESS}",
        0.55,
        0.05,
    ),
    Shape(
        "pi.address",
        "address-en",
        0.8,
        rf"(?i)^(no\.? ?)?\d+[a-z]?,? [\w .'-]+\b({_STREETS})\b|^p\.?o\.? box \d",
        0.55,
        0.02,
    ),
    Shape(
        "pi.address",
        "address-eu",
        0.8,
        r"(?i)^[\w .'-]+(straße|strasse|str\.|weg|platz|allee|gasse|ring|straat|laan) ?\d+ ?[a-z]?\b"
        r"|^\d+( bis| ter)?,? (rue|avenue|boulevard|place|chemin|impasse|quai|allée)\b"
        r"|^(calle|c/|avenida|avda?\.?|plaza|paseo|via|viale|piazza|corso|rua) .*\d",
        0.55,
        0.02,
    ),
    Shape("pi.address", "address-jp", 0.8, r"(都|道|府|県).{1,8}[市区町村].*\d", 0.55, 0.02),
    Shape(
        "pi.health",
        "icd-10",
        0.9,
        r"^[A-TV-Z]\d[0-9AB]\.([0-9A-Z]{1,4}|\d{1,3}x\d{2,3})([+*†]([A-Z]\d\S*)?)?$",
        0.35,
        0.02,
    ),
    Shape(
        "pi.health",
        "icd-10-undotted",
        0.4,
        r"^[A-TV-Z]\d[0-9AB]([0-9A-Z]{1,2}|[0-9A-Z]{3}[A-Z]|\.[0-9A-Z]{1,4})?([+*†]([A-Z]\d\S*)?)?$",
        0.7,
        0.4,
    ),
)
