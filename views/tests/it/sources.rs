//! Folders, lists and embedded folders say the same.

use std::fs;

use pleach_views::{Source, Views, data, embed};

const FILES: crate::Files = &[
    ("views.toml", "page = { main = 'layout.html' }"),
    ("layout.html", "<main>{% include 'content' %}</main>"),
    ("page.html", "{% include 'deep/part.html' %}"),
    ("deep/part.html", "{{ name }}"),
    ("style.css", "{{ no template }}"),
    (".page.html", "{{ no template }}"),
];

#[test]
fn embedded_list_and_folder_behave_alike() {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in FILES {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let data = data! { name => "<Ada>" };
    for (source, reload) in [
        (Source::embedded(FILES), false),
        (Source::dir(folder.path()), false),
        (Source::dir(folder.path()), true),
    ] {
        let views = Views::builder()
            .source(source)
            .reload(reload)
            .build()
            .unwrap();
        assert_eq!(views.names(), ["page"]);
        assert_eq!(
            views.render("page", &data).unwrap(),
            "<main>&lt;Ada&gt;</main>"
        );
    }
}

#[test]
fn folder_of_this_crate_can_be_embedded() {
    for reload in [false, true] {
        let source = embed!("$CARGO_MANIFEST_DIR/tests/it/views");
        let views = Views::builder()
            .source(source)
            .reload(reload)
            .build()
            .unwrap();
        assert_eq!(
            views.render("page.show", &data! { name => "Ada" }).unwrap(),
            "<p>Ada</p>\n"
        );
    }
}

#[test]
fn missing_folder_is_a_fault_that_names_it() {
    let faults = Views::builder()
        .source(Source::dir("/nonexistent/views"))
        .build()
        .unwrap_err();
    let text = faults.to_string();
    assert!(text.starts_with("/nonexistent/views: "), "{text}");
}

#[test]
fn no_source_makes_no_views() {
    assert_eq!(Views::builder().build().unwrap().names(), [""; 0]);
}
