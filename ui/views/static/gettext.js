// What scripts say, in the language of the page: the English text is the key. The server puts window.catalogue before this.
(() => {
  "use strict";
  const { lang, messages, form } = window.catalogue;
  const numbers = new Intl.NumberFormat(lang);
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? numbers.format(values[name]) : values[name]));

  window.gettext = (text, values = {}) => filled([messages[text] || text].flat()[0], values);
  window.ngettext = (one, many, number, values = {}) => filled((messages[one] || [one, many])[messages[one] ? form(number) : Number(number !== 1)] || many, { number, ...values });

  // Gradio's own words go by this, and the page may speak another language than the browser.
  Object.defineProperty(navigator, "language", { get: () => lang });

  // What the server says of a failure is for programs too, and English: in another language its code is said in words before it.
  const sentences = {
    forbidden: gettext("Your token may not do this."),
    not_found: gettext("It is not there any more."),
    http_error: gettext("It is not there, or cannot be done."),
    invalid_request: gettext("The request could not be understood."),
    too_large: gettext("It is too large to be sent."),
    too_many_requests: gettext("That were too many requests. Wait a little."),
    no_token: gettext("You are not logged in any more. Load the page again."),
    edited_meanwhile: gettext("Somebody else has changed it meanwhile."),
    index_busy: gettext("A run is at work on it. Try again in a moment."),
    catalog_busy: gettext("A run is at work on it. Try again in a moment."),
    conversations: gettext("The conversations cannot be read or written."),
    pipeline: gettext("Dagster does not answer."),
    password_not_kept: gettext("The password could not be kept."),
    upload: gettext("The file was not taken."),
    internal: gettext("Something unexpected happened."),
  };
  // Stages and reasons come as they are kept, too.
  const stages = {
    reading: gettext("reading"), waiting: gettext("waiting"), "answerable by its words": gettext("answerable by its words"), "being removed": gettext("being removed"),
    indexed: gettext("indexed"), pending: gettext("pending"), failed: gettext("failed"), unsupported: gettext("unsupported"), empty: gettext("empty"),
  };
  const counts = /^vectors ([\d,]+) of ([\d,]+)$/, numberIn = (text) => Number(text.replaceAll(",", ""));
  window.stageOf = ({ stage }) => {
    const [, vectors, chunks] = counts.exec(stage) || [];
    return vectors ? gettext("vectors {vectors} of {chunks}", { vectors: numberIn(vectors), chunks: numberIn(chunks) }) : stages[stage] || stage;
  };
  window.reasonOf = ({ state, error }) => (!error ? stages[state] || state : lang.startsWith("en") ? error : `${stages[state] || state} (${error})`);
  window.failureOf = ({ code, message }) => (lang.startsWith("en") ? message : `${sentences[code] || gettext("It could not be done.")} (${message})`);
})();
