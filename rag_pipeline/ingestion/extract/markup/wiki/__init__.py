"""Wikitext, as MediaWiki reads it."""
