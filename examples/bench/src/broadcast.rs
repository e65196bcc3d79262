//! A broadcast to every open event stream: ten ticks a second, and one for each `POST /tick`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pleach::http::StatusCode;
use pleach::live::{Encoded, EventId, LivePage, PatchSignals};
use pleach::{BoxError, Context, IntoResponse, Part, Result, Route, State};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{MissedTickBehavior, interval};

const PERIOD: Duration = Duration::from_millis(100);

/// Ticks that a slow reader may fall behind; then it goes on with the oldest that is left.
const KEPT: usize = 64;

/// Ticks, each encoded once for all who listen.
struct Ticks {
    listeners: broadcast::Sender<Encoded>,
    count: AtomicU64,
}

impl Ticks {
    fn publish(&self) {
        let tick = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let event =
            PatchSignals::new(&serde_json::json!({ "tick": tick })).id(EventId::new(0, tick));
        let event = event.encode().expect("a number is one line");
        // Nobody listens: nothing to do.
        let _ = self.listeners.send(event);
    }
}

async fn sse(cx: Context, ticks: State<Ticks>) -> impl IntoResponse {
    let mut events = ticks.listeners.subscribe();
    cx.live(async move |mut page: LivePage| {
        loop {
            match events.recv().await {
                Ok(event) => page.send(event).await?,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    })
}

async fn tick(_: Context, ticks: State<Ticks>) -> StatusCode {
    ticks.publish();
    StatusCode::NO_CONTENT
}

async fn run(app: pleach::BaseApp) -> Result<(), BoxError> {
    let ticks = app.state::<Ticks>().ok_or("states are made before init")?;
    let stop = app.tasks().child_token();
    app.tasks().spawn(async move {
        let mut period = interval(PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Skip);
        while stop.run_until_cancelled(period.tick()).await.is_some() {
            ticks.publish();
        }
    });
    Ok(())
}

pub(crate) fn part() -> Part {
    Part::new()
        .state(Ticks {
            listeners: broadcast::Sender::new(KEPT),
            count: AtomicU64::new(0),
        })
        .on_init(run)
        .route(Route::new("sse").path("/sse").get(sse))
        .route(Route::new("tick").path("/tick").post(tick))
}
