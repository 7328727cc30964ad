# SPDX-License-Identifier: MIT
"""Names whose values must not leave the target; every value that must not begins with hidden-."""


def login(user, password):
    return user


def call(api_key=None, token="", **headers):
    return len(headers)


def keyword(*, secret, Authorization=None, pass_word=None):
    return pass_word


def nested(config):
    return len(config)


def pairs(headers):
    return len(headers)


def captured(cookie):
    def inner():
        return len(cookie)
    return inner()


def whole_names_only(passwords, tokenizer, my_secret):
    """Names that only contain a listed one are shown."""
    return passwords


class Account:
    def __init__(self, passwd):
        self.size = len(passwd)


def generator(token):
    yield len(token)


def main():
    login("shown-user", "hidden-1")
    login(user="shown-user", password={"deep": ["hidden-2"]})
    call("hidden-3", token="hidden-4", Cookie="hidden-5", shown="shown-header")
    call(**{"X-Other": "shown-other", "API-KEY": "hidden-6", "HTTP_AUTHORIZATION": "hidden-7"})
    keyword(secret="hidden-8", Authorization="hidden-9", pass_word="shown-pass-word")
    nested({"db": {"password": "hidden-10", "host": "shown-host"}, b"token": "hidden-11"})
    nested({"list": [{"Secret": ["hidden-12"]}, {"ok": "shown-ok"}]})
    pairs([(b"authorization", b"hidden-13"), (b"host", b"shown-bytes")])
    pairs([("Cookie", "hidden-14"), ["api-key", "hidden-15"], ("accept", "shown-accept")])
    captured("hidden-16")
    whole_names_only("shown-passwords", "shown-tokenizer", "shown-secret")
    Account("hidden-17")
    list(generator("hidden-18"))
