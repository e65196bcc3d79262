//! The public interface of `pleach-views`, in process.

mod components;
mod errors;
mod escape;
mod faults;
mod fragments;
mod functions;
mod hostile;
mod inheritance;
mod links;
mod reload;
mod sources;

use pleach_views::{Call, Data, Faults, Source, Value, Views};

/// Paths and texts, as [`Source::embedded`] takes them.
type Files = &'static [(&'static str, &'static str)];

fn build(files: Files) -> Result<Views, Faults> {
    build_all(&[files])
}

/// Builds several sources, with functions like those that the base gives.
fn build_all(sources: &[Files]) -> Result<Views, Faults> {
    let mut builder = Views::builder()
        .function("url", url)
        .function("tier", |call: &Call<'_>| {
            let request = call.request().ok_or("no request is known here")?;
            let tier = request.get_from_path("tier").cloned();
            tier.ok_or("the request has no tier")
        });
    for files in sources {
        builder = builder.source(Source::embedded(files));
    }
    builder.build()
}

/// Makes `/route?name=value` of `url(route="route", name=value)`.
fn url(call: &Call<'_>) -> Result<Value, String> {
    let mut pairs: Vec<String> = call
        .arguments()
        .filter(|(name, _)| *name != "route")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.sort();
    let query = if pairs.is_empty() {
        String::new()
    } else {
        format!("?{}", pairs.join("&"))
    };
    Ok(Value::from(format!("/{}{query}", call.text("route")?)))
}

#[track_caller]
fn check(files: Files, view: &str, data: &Data, expected: &str) {
    let views = build(files).unwrap_or_else(|faults| panic!("faults:\n{faults}"));
    assert_eq!(
        views
            .render(view, data)
            .unwrap_or_else(|error| panic!("{error}")),
        expected
    );
}

/// Checks that a build fails with exactly these faults, each as `file:line:column: message`.
#[track_caller]
fn check_faults(files: Files, expected: &[&str]) {
    let faults = build(files).expect_err("the build should fail");
    let found: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected);
}
