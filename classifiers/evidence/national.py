"""National numbers by country: a shape over the column, then the country's own check from python-stdnum.

python-stdnum takes 3 to 20 microseconds a number, so of a sample at most `CONFIRMED` of those with the shape
are confirmed; `valid` looks at each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from stdnum.ar import cuit
from stdnum.au import abn, tfn
from stdnum.be import nn
from stdnum.be import vat as ondernemingsnummer
from stdnum.br import cnpj, cpf
from stdnum.ca import sin
from stdnum.ch import ssn as ahv
from stdnum.ch import uid
from stdnum.cl import rut
from stdnum.cz import rc
from stdnum.de import idnr
from stdnum.dk import cpr, cvr
from stdnum.es import cif, dni, nie
from stdnum.eu import vat
from stdnum.fi import hetu, ytunnus
from stdnum.fr import nir, siren, siret
from stdnum.gb import nhs, utr
from stdnum.hr import oib
from stdnum.ie import pps
from stdnum.in_ import aadhaar, gstin, pan
from stdnum.it import codicefiscale, iva
from stdnum.jp import cn as houjin
from stdnum.jp import in_ as my_number
from stdnum.kr import rrn
from stdnum.lt import asmens
from stdnum.mx import curp, rfc
from stdnum.my import nric
from stdnum.nl import bsn
from stdnum.no import fodselsnummer, orgnr
from stdnum.pl import nip, pesel, regon
from stdnum.pt import cc, nif
from stdnum.ro import cnp
from stdnum.se import orgnr as organisationsnummer
from stdnum.se import personnummer
from stdnum.th import pin
from stdnum.tr import tckimlik
from stdnum.za import idnr as za_idnr

from classifiers.evidence.checks import matches
from classifiers.evidence.sample import some

CONFIRMED = 150
"""Numbers of one column that are confirmed by a scalar check."""
_FIRST, _FEWEST, _HOPELESS = 4, 20, 0.15
"""Every fourth of them is confirmed first; if those are so many and so few are right, the others are not."""


@dataclass(frozen=True, slots=True)
class National:
    """*shape* of the compact text, *check* to confirm it, *chance* that random text of the shape passes."""

    rule: str
    tag: str
    shape: str
    check: Callable[[str], bool]
    chance: float


def confirmed(number: National, texts: Any) -> Any:
    """Return a numpy mask of the compact *texts* that are such numbers; a sampled share stands for the rest.

    Of more than `CONFIRMED` texts with the shape some from everywhere are checked, and the mask holds as many
    as the share found would give: right in number, which is all a share needs, not text by text.
    """
    mask = matches(texts, number.shape)
    places = np.flatnonzero(mask)
    chosen = texts.take(some(pa.array(places), CONFIRMED)).to_pylist()
    share = _share(number, chosen[::_FIRST])
    if len(chosen) < _FIRST * _FEWEST or share >= _HOPELESS:
        share = _share(number, chosen)
    mask[places[round(len(places) * share) :]] = False
    return mask


def valid(rule: str, texts: Any) -> Any:
    """Return a numpy mask of the compact *texts* that pass the check of *rule*, each of them looked at.

    What has not its shape may be another number of the same country: among the DNI of Spaniards stand the NIE
    of others, among the numbers of firms those of persons who are one.
    """
    country = rule.rpartition("-")[2]
    of_country = [number for number in NATIONAL if number.rule.rpartition("-")[2] == country]
    found, left = np.zeros(len(texts), bool), np.ones(len(texts), bool)
    for number in sorted(of_country, key=lambda number: number.rule != rule):
        shaped = left & matches(texts, number.shape)
        places = np.flatnonzero(shaped)
        found[places] = list(map(number.check, texts.take(pa.array(places)).to_pylist()))
        left &= ~(shaped if number.rule == rule else found)
    return found


def _share(number: National, texts: Sequence[str]) -> float:
    return sum(map(number.check, texts)) / max(len(texts), 1)


def _norwegian(number: str) -> bool:
    return orgnr.is_valid(number.removeprefix("NO").removesuffix("MVA"))


def _finnish(number: str) -> bool:
    """Return whether *number* has the right check character; the dash of those born before 2000 is put in."""
    return hetu.is_valid(number if len(number) > 10 else f"{number[:6]}-{number[6:]}")


def _swiss(number: str) -> bool:
    """Return whether *number*, with or without the mark of its use, has the right check digit."""
    return uid.is_valid(re.sub(r"(MWST|TVA|IVA|HR)$", "", number))


_ID, _ORG, _SOCIAL = "pi.id.foreign", "org.id", "pi.id.social"

NATIONAL: tuple[National, ...] = (
    National("nhs-gb", _SOCIAL, r"^\d{10}$", nhs.is_valid, 0.1),
    National("dni-es", _ID, r"^\d{8}[A-Z]$", dni.is_valid, 0.05),
    National("nie-es", _ID, r"^[XYZ]\d{7}[A-Z]$", nie.is_valid, 0.05),
    National("cpf-br", _ID, r"^\d{3}\.?\d{3}\.?\d{3}\d{2}$", cpf.is_valid, 0.01),
    National("aadhaar-in", _ID, r"^[2-9]\d{11}$", aadhaar.is_valid, 0.1),
    National("pan-in", _ID, r"^[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]$", pan.is_valid, 0.001),
    National("steuer-id-de", _ID, r"^[1-9]\d{10}$", idnr.is_valid, 0.05),
    National("nir-fr", _ID, r"^[1-478]\d{4}[\dAB]\d{9}$", nir.is_valid, 0.02),
    National("bsn-nl", _ID, r"^\d{9}$", bsn.is_valid, 0.1),
    National("codice-it", _ID, r"^[A-Z]{6}\d\d[A-Z]\d\d[A-Z]\d{3}[A-Z]$", codicefiscale.is_valid, 0.01),
    National("pesel-pl", _ID, r"^\d{11}$", pesel.is_valid, 0.02),
    National("personnummer-se", _ID, r"^(19|20)?\d{6}\+?\d{4}$", personnummer.is_valid, 0.02),
    National("my-number-jp", _ID, r"^\d{12}$", my_number.is_valid, 0.1),
    National("sin-ca", _ID, r"^[1-79]\d{8}$", sin.is_valid, 0.1),
    National("tfn-au", _ID, r"^\d{9}$", tfn.is_valid, 0.1),
    National("ahv-ch", _ID, r"^756\.?\d{4}\.?\d{4}\.?\d{2}$", ahv.is_valid, 0.1),
    National("nn-be", _ID, r"^\d{2}\.?\d{2}\.?\d{2}\.?\d{3}\.?\d{2}$", nn.is_valid, 0.01),
    National("hetu-fi", _ID, r"^\d{6}[A-FU-Y+]?\d{3}[0-9A-Y]$", _finnish, 0.01),
    National("fodselsnummer-no", _ID, r"^\d{11}$", fodselsnummer.is_valid, 0.01),
    National("cpr-dk", _ID, r"^[0-3]\d[01]\d{7}$", cpr.is_valid, 0.4),
    National("pps-ie", _ID, r"^\d{7}[A-W][A-IW]?$", pps.is_valid, 0.05),
    National("cc-pt", _ID, r"^\d{9}[A-Z0-9]{2}\d$", cc.is_valid, 0.1),
    National("cnp-ro", _ID, r"^[1-9]\d{12}$", cnp.is_valid, 0.01),
    National("rodne-cislo-cz", _ID, r"^\d{6}/?\d{4}$", rc.is_valid, 0.02),
    National("tc-kimlik-tr", _ID, r"^[1-9]\d{10}$", tckimlik.is_valid, 0.01),
    National("curp-mx", _ID, r"^[A-Z]{4}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d$", curp.is_valid, 0.01),
    National("rut-cl", _ID, r"^\d{1,2}\.?\d{3}\.?\d{3}[\dK]$", rut.is_valid, 0.1),
    National("rrn-kr", _ID, r"^\d{6}[1-8]\d{6}$", rrn.is_valid, 0.01),
    National("nric-my", _ID, r"^\d{12}$", nric.is_valid, 0.4),
    National("pin-th", _ID, r"^[1-8]\d{12}$", pin.is_valid, 0.1),
    National("id-za", _ID, r"^\d{10}[01]\d{2}$", za_idnr.is_valid, 0.02),
    National("cnpj-br", _ORG, r"^\d{2}\.?\d{3}\.?\d{3}/?\d{6}$", cnpj.is_valid, 0.01),
    National("siren-fr", _ORG, r"^\d{9}$", siren.is_valid, 0.1),
    National("siret-fr", _ORG, r"^\d{14}$", siret.is_valid, 0.05),
    National("cif-es", _ORG, r"^[A-HJ-NP-SUVW]\d{7}[0-9A-J]$", cif.is_valid, 0.1),
    National("gstin-in", _ORG, r"^\d{2}[A-Z]{5}\d{4}[A-Z][0-9A-Z]Z[0-9A-Z]$", gstin.is_valid, 0.01),
    National("partita-iva-it", _ORG, r"^\d{11}$", iva.is_valid, 0.1),
    National("corporate-number-jp", _ORG, r"^[1-9]\d{12}$", houjin.is_valid, 0.1),
    National("nip-pl", _ORG, r"^\d{10}$", nip.is_valid, 0.1),
    National("regon-pl", _ORG, r"^\d{9}$", regon.is_valid, 0.1),
    National("abn-au", _ORG, r"^\d{11}$", abn.is_valid, 0.02),
    National("orgnr-se", _ORG, r"^[125-9]\d[2-9]\d{7}$", organisationsnummer.is_valid, 0.1),
    National("orgnr-no", _ORG, r"^(NO)?[89]\d{8}(MVA)?$", _norwegian, 0.1),
    National("cvr-dk", _ORG, r"^(DK)?[1-9]\d{7}$", cvr.is_valid, 0.1),
    National("y-tunnus-fi", _ORG, r"^\d{8}$", ytunnus.is_valid, 0.1),
    National("uid-ch", _ORG, r"^CHE\d{3}\.?\d{3}\.?\d{3}(MWST|TVA|IVA|HR)?$", _swiss, 0.1),
    National("bce-be", _ORG, r"^(BE)?[01]\d{3}\.?\d{3}\.?\d{3}$", ondernemingsnummer.is_valid, 0.02),
    National("rfc-mx", _ID, r"^[A-ZÑ&]{4}\d{6}[0-9A-Z]{3}$", rfc.is_valid, 0.1),
    National("rfc-company-mx", _ORG, r"^[A-ZÑ&]{3}\d{6}[0-9A-Z]{3}$", rfc.is_valid, 0.1),
    National("cuit-person-ar", _ID, r"^2[0347]\d{9}$", cuit.is_valid, 0.1),
    National("cuit-company-ar", _ORG, r"^3[034]\d{9}$", cuit.is_valid, 0.1),
    National("utr-gb", _ID, r"^\d{10}K?$", utr.is_valid, 0.1),
    National("nif-pt", _ID, r"^[1-35689]\d{8}$", nif.is_valid, 0.1),
    National("oib-hr", _ID, r"^\d{11}$", oib.is_valid, 0.1),
    National("asmens-kodas-lt", _ID, r"^[1-6]\d{10}$", asmens.is_valid, 0.02),
    National("vat-eu", _ORG, r"^(ATU|[A-Z]{2})\d{8,12}(B\d{2})?$", vat.is_valid, 0.1),
)
"""The social security number of the USA has no check digit: only its dashes tell it (``patterns``)."""
