//! Presses through the function's URL: proved and handed on at once, and proved again by the invocation that works on them.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::shape;
use super::shop::Shop;
use crate::cli::{complain, now};
use crate::door::receive::{Reply, receive, receive_again};
use crate::door::url::{Posted, answer, posted};
use crate::model::click::Click;

/// The status of a request that is not signed with the secret that is known. It may have been replaced.
const WRONG: u16 = 401;

/// What whoever asked the URL is answered. Where a press cannot be handed on, Slack shows the person that it failed.
pub(super) async fn answered(shop: &Shop, event: &Value) -> Value {
    let reply = match posted(event, now()) {
        Ok(posted) => taken(shop, &posted).await.unwrap_or_else(|error| {
            complain(&format!("stakeout: a request to the function's URL: {error:#}"));
            Reply::only(500)
        }),
        Err(status) => Reply::only(status),
    };
    answer(&reply)
}

async fn taken(shop: &Shop, posted: &Posted) -> Result<Reply> {
    let secret = shop.kept_for_presses(true).await?.signing_secret()?;
    let mut reply = receive(posted.request(), &secret, &mut shop.seen.borrow_mut(), now());
    if reply.status == WRONG
        && let Some(kept) = shop.kept_in_doubt().await?
    {
        reply = receive(posted.request(), &kept.signing_secret()?, &mut shop.seen.borrow_mut(), now());
    }
    if let Some(click) = reply.click.take() {
        let payload = shape::click(posted).to_string().into_bytes();
        let handed = shop.again().await.invoke(payload).await.context("handing a press on");
        if let Err(error) = handed {
            shop.seen.borrow_mut().forget(&click.id);
            return Err(error);
        }
    }
    Ok(reply)
}

/// The press in a request that was handed on. Whoever may only invoke the function approves nothing: the request is proved
/// as if it came from outside.
///
/// # Errors
/// A request that is not Slack's, or is too old.
pub(super) async fn proved(shop: &Shop, posted: &Posted) -> Result<Vec<Click>> {
    let secret = shop.kept_for_presses(false).await?.signing_secret()?;
    let mut reply = receive_again(posted.request(), &secret, now());
    if reply.status == WRONG
        && let Some(kept) = shop.kept_in_doubt().await?
    {
        reply = receive_again(posted.request(), &kept.signing_secret()?, now());
    }
    if reply.status != 200 {
        bail!(
            "a press that was handed on is not proved to be Slack's, or is older than half an hour: it is not decided"
        );
    }
    Ok(reply.click.into_iter().collect())
}
