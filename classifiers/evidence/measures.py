"""Masks of values whose shape alone says little: what the column's values are together decides.

What a single value has to be for that is a mask of its own (`phone_shapes`), or a pattern (`MOBILE`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from classifiers.evidence.checks import matches, resident_ids
from classifiers.evidence.shapes import DOCUMENT, MASKED_RESIDENT, MOBILE_PREFIX, USER_NAME, WECHAT
from classifiers.taxonomy import read_data

MOBILE = (
    rf"^(\(?\+?86\)?|0086|0)?{MOBILE_PREFIX}"
    r"(\d{8}|\*{4,6}\d{2,4}|\d\*{3,5}\d{3,4}|\.\d{4}\.\d{4})(\D{1,4})?$"
)
_MONEY = r"^-?\d{1,9}(\.\d{1,2})?$"
_CURRENCY = r"(?i:\b(usd|eur|gbp|chf|jpy|cny|rmb|brl|pln|zł|zl|kr|sek|nok|dkk|aud|cad|inr)\b|r\$|₹|₽|₩|円)"
LANDLINE = (
    r"^(\+?86)?\(?0(10|2\d|[3-9]\d{2})\)?([2-9]\d{6,7}|\d{0,4}\*{3,4}\d{2,4})"
    r"((转|X|EXT|,|#)\d{1,5})?$|^[48]00\d{7}$"
)


POSTCODE = r"^(0[1-7]|1[0-6]|2[0-7]|3[0-6]|4[0-7]|5[1-7]|6[1-7]|7[1-9]|8[1-6])\d{4}$"
AGE = r"^\d{1,3}(\.0)?$"
DEGREES = r"^[-+]?\d{1,3}\.\d{4,}$"
ICD_9 = r"^(\d{1,3}(\.\d{1,2})?|V\d{1,2}(\.\d{1,2})?|E\d{3,4}(\.\d)?)$"


def mobiles(texts: Any) -> Any:
    """Return the mask of Chinese mobile numbers, of none where other 11 digits from 1 on are common.

    56 of the 100 prefixes 100-199 are given out: half of the order numbers that begin with 1 would fit.
    """
    fits = matches(texts, MOBILE)
    return fits & bool(fits.sum() >= 0.75 * matches(texts, r"^1\d{10}$").sum())


def chinese_phones(texts: Any) -> Any:
    """Return the mask of Chinese mobile, landline (with area code) and service numbers."""
    return mobiles(texts) | matches(texts, LANDLINE)


def grouped_phones(texts: Any) -> Any:
    """Return the mask of numbers that begin with 0, have 9 to 12 digits and are written in groups."""
    digits = pc.replace_substring_regex(texts, r"[ ./()-]", "")
    return matches(texts, r"^\(?0\d{1,4}\)?[ /.-]") & matches(digits, r"^0\d{8,11}$")


def mixed_phones(texts: Any) -> Any:
    """Return the mask of what may be phone numbers, of none unless they are written as phones are.

    Phones begin with a plus sign, a trunk zero or a bracket, or stand in groups, and a column of them holds
    several layouts; other numbers of 7 to 15 digits do not.
    """
    fits = phone_shapes(texts)
    if not fits.any():
        return fits
    some = texts.filter(pa.array(fits))
    leads = matches(some, r"^(\+|00?[1-9]|\()").mean()
    layouts = pc.value_counts(pc.replace_substring_regex(some, r"\d+", "9"))
    common = sum(count.as_py() >= 0.04 * len(some) for count in pc.struct_field(layouts, "counts"))
    grouped = matches(some, r"^[6-9]\d\d?([ .]\d{2,3}){2,3}$").mean()
    apart = leads >= 0.8 and matches(some, r"[ ()./-]|^\+|^0[1-9]\d{8,9}$").mean() >= 0.8
    return fits & bool((leads >= 0.3 and common >= 2) or apart or grouped >= 0.4)


def phone_shapes(texts: Any) -> Any:
    """Return the mask of 7 to 15 digits with what stands between those of phones, no dates, no decimals."""
    digits = pc.replace_substring_regex(texts, r"[^0-9]", "")
    fits = matches(texts, r"^[+(]?[+(\d][\d ()./-]{5,18}\d( ?(x|ext\.?|poste|int\.?) ?\d{1,5})?$")
    others = matches(texts, r"^\d{4}[-/.]\d\d?[-/.]\d\d?|^\d\d?[-/.]\d\d?[-/.]\d{4}|^\d+\.\d+$")
    return fits & matches(digits, r"^\d{7,15}$") & ~others


def _numbers(texts: Any, shape: str) -> tuple[Any, Any]:
    mask = matches(texts, shape)
    return mask, texts.filter(pa.array(mask)).cast(pa.float64()).to_numpy()


def online_names(texts: Any) -> Any:
    """Return the mask of WeChat ids and user names, of none where no WeChat id is among them."""
    return online_shapes(texts) & bool(matches(texts, WECHAT).mean() >= 0.1)


def online_shapes(texts: Any) -> Any:
    """Return the mask of WeChat ids and user names."""
    return matches(texts, WECHAT) | matches(texts, USER_NAME)


def documents(texts: Any) -> Any:
    """Return the mask of resident ids, passports and permits, of none where nearly all are resident ids."""
    return document_shapes(texts) & bool(matches(texts, DOCUMENT).mean() >= 0.15)


def document_shapes(texts: Any) -> Any:
    """Return the mask of resident ids, passports and permits."""
    return matches(texts, DOCUMENT) | resident_ids(texts)


def masked_resident_ids(texts: Any) -> Any:
    """Return the mask of 15 or 18 places of which four or more in a row are masked and four are left."""
    digits = pc.count_substring_regex(texts, r"[\dX]").to_numpy()
    length = pc.utf8_length(texts).to_numpy()
    return matches(texts, MASKED_RESIDENT) & ((length == 15) | (length == 18)) & (digits >= 4)


def longer_resident_ids(texts: Any) -> Any:
    """Return the mask of resident ids with two digits behind, as on certificates of the disabled."""
    return resident_ids(pc.utf8_slice_codeunits(texts, 0, 18)) & matches(texts, r"^\d{17}[\dX]\d\d[\dB]?\d?$")


def postcodes(texts: Any) -> Any:
    """Return the mask of what may be Chinese postcodes: six digits, the first two assigned, no months."""
    months = matches(texts, r"^(19|20)\d\d(0[1-9]|1[0-2])$").mean()
    return (months < 0.5) & matches(texts, POSTCODE)


def ages(texts: Any) -> Any:
    """Return the mask of whole numbers to 120, if they spread as ages of people do."""
    mask, numbers = _numbers(texts, AGE)
    if len(numbers) == 0 or numbers.max() > 120 or numbers.max() < 50 or np.ptp(numbers) < 40:
        return np.zeros(len(texts), bool)
    return mask


def degrees(texts: Any, limit: int) -> Any:
    """Return the mask of decimals with four places or more within *limit* degrees; of 180, some beyond 90."""
    mask, numbers = _numbers(texts, DEGREES)
    far = np.abs(numbers) > 90
    plausible = len(numbers) > 0 and np.abs(numbers).max() <= limit and (limit <= 90 or far.mean() > 0.2)
    return mask & bool(plausible and np.abs(numbers).max() > 1)


def amounts(texts: Any) -> Any:
    """Return the mask of amounts of money: a currency sign or two places, over two orders of magnitude."""
    mask, numbers = _numbers(_bare(texts), _MONEY)
    decimal = matches(texts, rf"[.,]\d{{2}}\D*$|[¥$€£元]|{_CURRENCY}").mean() > 0.5
    return mask & bool(
        decimal and len(numbers) and numbers.max() > 100 * max(np.quantile(numbers, 0.02), 0.1)
    )


def priced(texts: Any) -> Any:
    """Return the mask of amounts that name their currency."""
    return money_shapes(texts) & matches(texts, rf"[¥$€£]|元$|{_CURRENCY}")


def money_shapes(texts: Any) -> Any:
    """Return the mask of what may be amounts of money."""
    return matches(_bare(texts), _MONEY)


def _bare(texts: Any) -> Any:
    """Return *texts* without signs of currencies, a point before what follows the whole number."""
    point = pc.replace_substring_regex(texts, r"^([^\d]*\d[\d. ]*),(\d\d\D*)$", r"\1.\2")
    bare = pc.replace_substring_regex(point, rf"[¥$€£,元 ]|{_CURRENCY}", "")
    return pc.replace_substring_regex(bare, r"\.(\d{3})", r"\1")  # points that part thousands


def icd_9(texts: Any) -> Any:
    """Return the mask of ICD-9 codes; bare numbers look like them, so V or E codes must be among them."""
    return matches(texts, ICD_9) & bool(matches(texts, r"^[VE]\d").mean() >= 0.01)


@cache
def _words() -> Mapping[str, Any]:
    data: Mapping[str, Any] = read_data("values.yaml")
    return data


def genders(texts: Any, kind: str) -> Any:
    """Return the mask of words for genders if at least two different ones are *kind* words."""
    lower = _lower(texts)
    telling = pa.array(_words()["gender"][kind], pa.string())
    return gender_words(texts) & (len(pc.unique(lower.filter(pc.is_in(lower, value_set=telling)))) > 1)


def gender_words(texts: Any) -> Any:
    """Return the mask of words for genders, and for none said."""
    gender = _words()["gender"]
    known = pa.array([*gender["telling"], *gender["short"], *gender["other"]], pa.string())
    return np.asarray(pc.is_in(_lower(texts), value_set=known))


def _lower(texts: Any) -> Any:
    return pc.utf8_lower(pc.replace_substring_regex(texts, r"[\s*]+", ""))


@cache
def _name_shape() -> str:
    surnames = "|".join([f"[{_words()['surnames'].strip()}]", *map(re.escape, _words()["surnames_of_two"])])
    return rf"^({surnames})([\x{{4e00}}-\x{{9fff}}]{{1,2}}|\*{{1,2}}|\*[\x{{4e00}}-\x{{9fff}}])$"


def chinese_names(texts: Any) -> Any:
    """Return the mask of one of the frequent surnames and one or two characters more, perhaps masked."""
    return matches(texts, _name_shape())
