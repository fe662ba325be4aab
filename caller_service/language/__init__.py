"""Layer 2: the same meaning in every language.

Catalogs, choosing a language, the words people use, SMS segments. This package reads translations/;
it never decides what happens, only how it is said.
"""
