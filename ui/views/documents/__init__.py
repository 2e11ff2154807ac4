"""What is shown of documents: the list of them, a document's own page and its parts, their addresses. Pure.

Belongs here: a module for each. Not here: markup (``templates/documents``, ``templates/document``), routes (``api/documents``).
"""
