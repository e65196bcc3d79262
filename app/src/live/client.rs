//! The page's client, which the base serves.

/// The text of `live.js`: applies the events of a stream to the page, and sends marked forms, buttons and links as live
/// requests.
///
/// It needs no build step, has no dependency, is under 5 KB gzipped, and runs under `default-src 'self'`: it evaluates
/// nothing and writes no inline script or style. Load it as a module or deferred.
///
/// # Markup
/// The part of Datastar 1.0 that a server-driven page needs, so that the original bundle can be loaded in its place. What
/// it does not know is left alone; expressions are parsed, never evaluated.
///
/// | attribute | effect |
/// |---|---|
/// | `data-init="@get('/path')"` | opens a stream when the element is there, and closes it when the element goes |
/// | `data-on:submit="@post('/path', {contentType: 'form'})"` | sends a form in place of the browser |
/// | `data-on:click="@post('/path')"`, `data-on:click__prevent` | sends on a click; a link is not followed |
/// | `data-ignore-morph` | an element that has it before and after is not morphed |
///
/// The actions are `@get`, `@post`, `@put`, `@patch` and `@delete`. Of their options two count. `contentType: 'form'` sends
/// the fields of the form with those of the button that sent it, by `GET` and `DELETE` in the query, otherwise urlencoded,
/// or as multipart where the form says so; without it, all signals are sent as JSON. `openWhenHidden: true` leaves a
/// stream open while the page is not seen; without it the stream is closed and resumed, since over HTTP/1.1 a browser has
/// six connections for all pages of a site.
///
/// For the page's own styles and texts:
/// - `<html data-live-state="open|retrying">` tells whether what is shown is live.
/// - `aria-busy="true"` is on whatever sent a request until it is answered; it is not sent a second time meanwhile.
/// - `[data-live-error]`, in the form or else anywhere, is given the `message` of a JSON error as text; the next request
///   clears it. Give it `role="alert"`. Patches leave it alone.
/// - `datastar-signal-patch` is an event on the document with the signals that changed; `live.signals` holds them all.
///   Those whose names begin with `_` are never sent.
///
/// The original bundle does not know redirects; a page that loads it follows them with two attributes on its body, which
/// `live.js` leaves alone: `data-signals="{_redirect: ''}" data-effect="$_redirect && location.assign($_redirect)"`.
///
/// # Streams
/// A stream that ends, cleanly or not, is opened again with its `Last-Event-ID`: after what `retry:` or `Retry-After` asked
/// for, else a second; doubled by each failure up to half a minute; and longer by up to a half at random. A 204 ends it. At
/// 401, 403, 404, or where a page comes in place of a stream, what was shown is gone or no longer for this user: the page
/// is loaded again, once, because the server knows best what to show instead. A stream that is silent for 45 seconds counts
/// as broken: keep the [heartbeat](super::StreamOptions::heartbeat) well below. Leaving the page closes its streams.
///
/// # Patches
/// Elements keep their identity by id wherever a morph moves them; others are paired in order, by tag. Focus, selection and
/// scroll positions stay; where the focused element goes, the nearest one around it with `tabindex="-1"` takes the focus. What the user typed or ticked stays until the server sends another value than before, and the
/// control that has the focus keeps its text even then. `script` elements are dropped. A redirect leads to a path of this
/// site or nowhere.
///
/// # Requests
/// Answers may be events, 204, a redirect (followed), or an error. At 401 the page is loaded again. A request that finds no
/// server is not repeated as an ordinary submit: it may have arrived, and without a network the page would be lost as well.
/// The message says so, and the form keeps what was typed.
pub const CLIENT_JS: &str = include_str!("live.js");
