//! Gets and puts of the driver, over HTTP.

use pleach::driver::{self, Bucket, BucketConfig};
use pleach::http::StatusCode;
use pleach::{Bytes, Context, Part, Result, Route, State, route};

route! {
    /// One key of the bucket `bench`.
    pub struct Key = "/kv/{key}" { key: String }
}

struct Store {
    bucket: Bucket,
}

async fn get(_: Context, Key { key }: Key, store: State<Store>) -> Result<Option<Bytes>> {
    Ok(store
        .bucket
        .get(&key)
        .await?
        .map(|entry| entry.value.clone()))
}

async fn put(cx: Context, Key { key }: Key, store: State<Store>) -> Result<StatusCode> {
    store.bucket.put(&key, cx.body().await?).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) fn part() -> Part {
    Part::new()
        .state_from(|app| async move {
            let bucket = app.driver().kv().bucket(BucketConfig::new("bench")).await?;
            Ok::<_, driver::Error>(Store { bucket })
        })
        .route(Route::new("kv").typed::<Key>().get(get).post(put))
}
