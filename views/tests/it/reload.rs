//! Folders that change while their views are in use.

use std::fs;
use std::time::Duration;

use pleach_views::{Data, Source, Views};
use tempfile::TempDir;

/// A folder and views that look at it at every use.
fn start(files: &[(&str, &str)]) -> (TempDir, Views) {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        fs::write(folder.path().join(path), text).unwrap();
    }
    let source = Source::dir(folder.path());
    let views = Views::builder()
        .source(source)
        .reload(true)
        .reload_interval(Duration::ZERO)
        .build();
    (folder, views.unwrap())
}

fn render(views: &Views) -> String {
    views
        .render("page", &Data::new())
        .unwrap_or_else(|error| error.to_string())
}

#[test]
fn changed_and_added_files_are_taken_up() {
    let (folder, views) = start(&[("views.toml", "page = {}"), ("page.html", "one")]);
    assert_eq!(render(&views), "one");
    let version = views.version();
    assert_eq!(views.version(), version, "nothing changed");

    fs::write(folder.path().join("page.html"), "two").unwrap();
    assert!(views.version() > version);
    assert_eq!(render(&views), "two");

    fs::write(folder.path().join("views.toml"), "page = {}\nmore = {}").unwrap();
    fs::write(folder.path().join("more.html"), "more").unwrap();
    assert_eq!(views.names(), ["more", "page"]);
}

#[test]
fn fault_is_reported_by_render_until_it_is_mended_and_the_last_good_set_stays() {
    let (folder, views) = start(&[("views.toml", "page = {}"), ("page.html", "good")]);
    let version = views.version();

    fs::write(folder.path().join("page.html"), "\n {{ bad").unwrap();
    let error = views.render("page", &Data::new()).unwrap_err();
    let place = &error.reload_faults().unwrap().iter().next().unwrap().place;
    assert_eq!((place.file.as_str(), place.line), ("page.html", 2));
    assert!(error.to_string().contains("page.html:2:"), "{error}");
    assert!(views.version() > version);
    assert!(views.has("page"));
    assert_eq!(render(&views.last_good()), "good");

    fs::write(folder.path().join("page.html"), "better").unwrap();
    assert_eq!(render(&views), "better");
}

#[test]
fn folder_that_goes_away_and_comes_back_is_taken_up_again() {
    let (folder, views) = start(&[("views.toml", "page = {}"), ("page.html", "good")]);
    let away = folder.path().with_extension("away");
    fs::rename(folder.path(), &away).unwrap();
    assert!(
        views
            .render("page", &Data::new())
            .unwrap_err()
            .reload_faults()
            .is_some()
    );
    let version = views.version();
    assert_eq!(views.version(), version, "the same fault is not a change");
    fs::rename(&away, folder.path()).unwrap();
    assert_eq!(render(&views), "good");
}

#[test]
fn files_are_not_looked_at_again_within_the_interval() {
    let (folder, _) = start(&[("views.toml", "page = {}"), ("page.html", "one")]);
    let views = Views::builder()
        .source(Source::dir(folder.path()))
        .reload(true)
        .reload_interval(Duration::from_secs(3600))
        .build()
        .unwrap();
    fs::write(folder.path().join("page.html"), "two").unwrap();
    assert_eq!(render(&views), "one");
}

#[test]
fn without_reload_a_folder_is_read_once() {
    let (folder, _) = start(&[("views.toml", "page = {}"), ("page.html", "one")]);
    let views = Views::builder()
        .source(Source::dir(folder.path()))
        .build()
        .unwrap();
    fs::write(folder.path().join("page.html"), "two").unwrap();
    assert_eq!((render(&views), views.version()), ("one".to_owned(), 0));
}
