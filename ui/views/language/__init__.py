"""The languages of the app: catalogues of messages, who is spoken to in which one, numbers and dates as it writes them.

Belongs here: what is the same for all that is shown. Not here: what is said (the other modules of ``views``, templates, scripts), the
catalogues themselves (``views/locale``).

The English text is the key of a message. Write ``_("…")`` in a template and ``gettext("…")`` in Python and JavaScript; ``make messages``
then finds it.
"""

from ui.views.language.catalogues import ENGLISH, Language, languages
from ui.views.language.speaking import gettext, language, marked_up, message, ngettext, speaking

__all__ = ["ENGLISH", "Language", "gettext", "language", "languages", "marked_up", "message", "ngettext", "speaking"]
