//! The end of a user: at log-out, and when the same browser logs in again.

use pleach::{Context, Error, Result};

use super::visitor::session_user;
use crate::id::UserId;
use crate::store::{Games, Kept, Users};

/// Ends the user of the session: its games go, seats that it holds are free, its session and streams end. Returns false when
/// the session has no user.
///
/// The user goes first: from then on nobody acts as it, so what is found next is all there is. The session goes last: whoever
/// is told that it failed still has it and can try again, and a crash on the way leaves no more than games that expire.
pub(super) async fn end(cx: &Context, users: &Users, games: &Games) -> Result<bool> {
    let Some(user) = session_user(cx).await? else {
        return Ok(false);
    };
    users.remove(&user).await?;
    games.release(&user).await?;
    cx.session().destroy().await?;
    Ok(true)
}

/// Takes back what a user did if it was logged out meanwhile: the game that it made or joined came after its others had gone.
///
/// # Errors
/// 401 when the user is gone.
pub(super) async fn unless_gone(
    kept: Kept,
    user: &UserId,
    users: &Users,
    games: &Games,
) -> Result<Kept> {
    if users.is_there(user).await? {
        return Ok(kept);
    }
    games.release(user).await?;
    Err(Error::unauthorized())
}

#[cfg(test)]
mod tests;
