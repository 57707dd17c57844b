"""What columns can be, as everybody may read it."""

from classifiers.taxonomy import core
from service.datasets.vocabulary import every_tag, profile_of


def test_every_tag_and_standard_is_told():
    told = every_tag()
    assert [it["tag"] for it in told["tags"]] == list(core().tags)
    assert set(told["levels"]) == set(core().profiles)
    for tag in told["tags"]:
        assert set(tag["levels"]) == set(told["levels"])
        assert all(level in told["levels"][name]["titles"] for name, level in tag["levels"].items())
        assert set(tag["basis"]) == set(tag["basis_zh"]) <= set(told["levels"])
    assert profile_of("pipl")["titles"]["sensitive"]["zh"] == "敏感个人信息"
