"""The dashboard: how every task goes, and what a person decides. Pages that a server makes; a script keeps them fresh.

`serving` lets in who may come in (`access`, `sessions`) and gives a `Visit` to a page. A page reads, and only a deed
changes something: what a form sends, with the token of its session. Templates hold no decisions.
"""
