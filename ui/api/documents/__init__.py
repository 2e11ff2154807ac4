"""Documents over HTTP: their files, one at a time and many at once; the list of them and a document's own page.

Belongs here: a module for each. Not here: passages of documents (``passages.py``), what the pipeline does with them (``pipeline.py``).
"""
