// Streams of the server by WebSockets. A browser has six connections to an address, all its windows together: a stream that is fetched
// keeps one, a socket none (ui/web/socket_streams.py). Where something between here and there lets no sockets through, streams are fetched.
(() => {
  "use strict";
  const STREAMS = ["/progress/events", "/gradio_api/queue/data"];
  const WHOLE = 1000, AGAIN_MS = 3000;
  const fetched = window.fetch.bind(window);
  let areLetThrough = null; // not known yet

  window.fetch = async (resource, options) => {
    const address = new URL(resource.url || resource, location.href);
    if (areLetThrough === false || address.origin !== location.origin || !STREAMS.includes(address.pathname)) return fetched(resource, options);
    const request = new Request(resource, options);
    return (await bySocket(address, request.signal)) || fetched(request);
  };

  // A response whose body is what the socket says; null where it is not opened: then a fetch tells why.
  function bySocket(address, signal) {
    address.protocol = address.protocol.replace("http", "ws");
    return new Promise((answered, failed) => {
      if (signal.aborted) return failed(signal.reason);
      let socket, body = null;
      try {
        socket = new WebSocket(address);
      } catch {
        return answered(null); // a browser to which a page's own address is no address of sockets
      }
      socket.binaryType = "arraybuffer";
      const over = (how) => {
        signal.removeEventListener("abort", leave);
        socket.close();
        if (body) how(body);
        body = null;
      };
      const leave = () => {
        over((one) => one.error(signal.reason));
        failed(signal.reason);
      };
      signal.addEventListener("abort", leave);
      socket.onopen = () => {
        areLetThrough = true;
        answered(new Response(new ReadableStream({ start: (one) => { body = one; }, cancel: () => over(() => {}) })));
      };
      socket.onmessage = ({ data }) => body?.enqueue(new Uint8Array(data));
      socket.onclose = ({ code }) => {
        areLetThrough ??= false;
        over((one) => (code === WHOLE ? one.close() : one.error(new TypeError(address.href))));
        answered(null);
      };
    });
  }

  // Server-sent events, as `said(name, data)`, again and again until the signal: what broke off, or could not be reached, is asked for anew.
  window.listenTo = async (address, said, signal) => {
    while (!signal.aborted) {
      try {
        const answer = await window.fetch(address, { signal });
        if (answer.status === 401 || answer.status === 403) return; // it will not be another one
        if (answer.ok) await tell(answer.body.pipeThrough(new TextDecoderStream()).getReader(), said);
      } catch {
        // it broke off
      }
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  };

  async function tell(pieces, said) {
    for (let text = "", piece; !(piece = await pieces.read()).done; ) {
      const events = (text + piece.value).split("\n\n");
      text = events.pop();
      for (const event of events) said(/^event: (.*)$/m.exec(event)?.[1], /^data: (.*)$/m.exec(event)?.[1]);
    }
  }
})();
