//! Who asks.

use pleach::{Context, Error, FromContext, Need, Result, State};

use crate::id::UserId;
use crate::store::{User, Users};

/// Whoever asks, logged in or not.
pub(super) struct Visitor(pub(super) Option<User>);

/// The user who asks for a page; anybody else is sent to the landing page.
pub(super) struct Viewer(pub(super) User);

impl FromContext for Visitor {
    async fn from_context(cx: &Context) -> Result<Self> {
        let Some(id) = session_user(cx).await? else {
            return Ok(Self(None));
        };
        let users = State::<Users>::from_context(cx).await?;
        let user = users.seen(&id).await?;
        if let Some(user) = &user {
            cx.share("user", user); // For the layout, of error pages too.
        }
        Ok(Self(user))
    }

    fn needs(needs: &mut Vec<Need>) {
        State::<Users>::needs(needs);
    }
}

/// The user who asks; anybody else gets 401.
impl FromContext for User {
    async fn from_context(cx: &Context) -> Result<Self> {
        let Visitor(user) = Visitor::from_context(cx).await?;
        user.ok_or_else(Error::unauthorized)
    }

    fn needs(needs: &mut Vec<Need>) {
        Visitor::needs(needs);
    }
}

impl FromContext for Viewer {
    async fn from_context(cx: &Context) -> Result<Self> {
        let user = User::from_context(cx).await.map_err(Error::for_page)?;
        Ok(Self(user))
    }

    fn needs(needs: &mut Vec<Need>) {
        Visitor::needs(needs);
    }
}

/// Returns true for a user whose id is among `--admins`. Names don't count: anybody can take any.
pub(super) fn is_admin(cx: &Context, user: &User) -> bool {
    let admins = cx.app().settings().admins();
    admins.iter().any(|admin| admin == user.id.as_str())
}

/// Returns whose session it is, be the user still there or not.
pub(super) async fn session_user(cx: &Context) -> Result<Option<UserId>> {
    let id = cx.session().user_id().await?;
    Ok(id.and_then(|id| UserId::try_from(id).ok()))
}
