//! Mail: where it goes, what it is rendered from, and who sends it.

use http::Uri;
use pleach_driver::{Mail, Mailbox, Mailer};
use tracing::error;

use crate::app::BaseApp;
use crate::context::Context;
use crate::error::Result;
use crate::view::View;

/// The views beside a mail's own that hold its text and its subject.
const TEXT: &str = "text";
const SUBJECT: &str = "subject";

impl View {
    /// Renders the view as a mail. The mail goes on to be addressed, and queued:
    ///
    /// ```
    /// use pleach::{Context, Result};
    ///
    /// async fn invite(cx: Context) -> Result<&'static str> {
    ///     let mail = cx.view("mail.invitation").with("game", "Lobby 7").mail(&cx)?.to("ann@example.com");
    ///     cx.driver().mail().queue(mail).await?;
    ///     Ok("invited")
    /// }
    /// ```
    ///
    /// The HTML is the view itself; `mail.invitation.text` is its text and `mail.invitation.subject` its subject, where there are views of these
    /// names, and a mail of text alone has no other. In `.txt` templates nothing is escaped:
    ///
    /// ```toml
    /// [mail.invitation]                 # mail/invitation.html
    /// [mail.invitation.text]
    /// main = "mail/invitation.txt"
    /// [mail.invitation.subject]
    /// main = "mail/invitation.subject.txt"
    /// ```
    ///
    /// Links that `url` and `asset` make are absolute and begin with the public URL: the host of a request is what its client says, and must not
    /// decide where a mail to somebody else leads.
    ///
    /// # Errors
    /// 500 when none of the views exists, a template fails, or the application has no [public URL](crate::Builder::public_url).
    pub fn mail(self, cx: &Context) -> Result<Mail> {
        let (name, data) = self.into_parts();
        let app = cx.app();
        let beside = |part: &str| {
            let view = format!("{name}.{part}");
            match app.has_view(&view) {
                true => app.render_elsewhere(cx, &view, data.clone()).map(Some),
                false => Ok(None),
            }
        };
        let text = beside(TEXT)?;
        let subject = beside(SUBJECT)?;
        let mut mail = Mail::new();
        // A view that is not there is an error, unless the text is all there is.
        if app.has_view(name) || text.is_none() {
            mail = mail.html(app.render_elsewhere(cx, name, data)?);
        }
        if let Some(text) = text {
            mail = mail.text(text);
        }
        if let Some(subject) = subject {
            // The end of the file is no part of it.
            mail = mail.subject(subject.trim());
        }
        Ok(mail)
    }
}

/// Makes the mailer that a setting names. Where neither mail nor setting says who writes, it is `noreply` at the host of the public URL.
///
/// # Errors
/// A sentence that says what is wrong; it is a fault of configuration (exit code 2).
pub(crate) fn mailer(setting: &str, app: &str, public_url: &str) -> Result<Mailer, String> {
    let host = public_url.parse::<Uri>().ok();
    let host = host.as_ref().and_then(Uri::host).unwrap_or_default();
    let from = Mailbox::named(app, &format!("noreply@{host}"))
        .or_else(|_| Mailbox::named(app, "noreply@localhost"));
    let mut builder = Mailer::builder(setting);
    if let Ok(from) = from {
        builder = builder.from(from);
    }
    builder.build().map_err(|error| format!("mail: {error}"))
}

/// Begins to send what is queued. At a drain the worker begins no new try; those under way end by themselves, or with the process.
pub(crate) fn start_worker(app: &BaseApp) {
    let mailer = app.driver().mail().clone();
    let draining = app.tasks().draining().clone();
    app.tasks().spawn(async move {
        if let Err(error) = mailer.work(draining.cancelled()).await {
            error!(%error, "queued mail is not sent any more");
        }
    });
}
