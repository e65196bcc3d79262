//! Defaults of options that an application sets.

use std::time::Duration;

use pleach::{BaseApp, Builder, Context, Driver, Opt, Route, Tier};

const PATIENCE: Opt<Duration> = Opt::new("patience", "1s", "How long a guest waits");

async fn builder() -> Builder {
    let driver = Driver::open("memory:").await.expect("a store in memory");
    BaseApp::builder("inn")
        .driver(driver)
        .option(PATIENCE)
        .route(Route::new("landing").path("/").get(async |_: Context| ""))
}

#[tokio::test]
async fn an_application_sets_defaults_of_options_of_the_base_and_of_its_parts() {
    let app = builder()
        .await
        .default_setting("tier", "staging")
        .default_setting("patience", "3s");
    let app = app.build().expect("an application without faults");
    assert_eq!(app.tier(), Tier::Staging);
    assert_eq!(app.settings().get(&PATIENCE), Duration::from_secs(3));
}

#[tokio::test]
async fn a_default_of_no_option_and_a_default_that_is_no_value_are_faults() {
    let app = builder()
        .await
        .default_setting("patiense", "3s")
        .default_setting("patience", "long");
    let faults = app.build().expect_err("two faults");
    let faults: Vec<&str> = faults.iter().collect();
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(
        faults[0].contains("patiense")
            && faults[1].contains("patience")
            && faults[1].contains("long"),
        "{faults:?}"
    );
}
