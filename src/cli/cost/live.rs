//! Asking Cost Explorer: where pages are kept, and what is said about their price.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use rust_decimal::Decimal;

use crate::cli::{Voice, complain, now};
use crate::config::state_folder;
use crate::event::identity::is_account;
use crate::event::{Seconds, time};
use crate::model::{counted, money_exact};
use crate::source::explorer::{Cache, Explorer, Patience, Plan, Policy, Polled, price};

#[derive(Args)]
pub(super) struct Live {
    /// Ask Cost Explorer first, where it is due; $0.01 a page.
    #[arg(long)]
    pub(super) live: bool,
    /// US dollars that asking may cost in a calendar month.
    #[arg(long, value_name = "USD", default_value_t = Policy::DEFAULT_BUDGET, value_parser = parse_budget)]
    budget: Decimal,
    /// Where pages are kept [default: $XDG_STATE_HOME/stakeout/cost].
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Only this account of an organisation.
    #[arg(long, value_name = "ID", value_parser = parse_account)]
    account: Option<String>,
    /// Also ask for one service by usage type, named as on the bill.
    #[arg(long, value_name = "SERVICE")]
    usage_type_of: Option<String>,
}

impl Live {
    /// Refuses what means nothing without `--live`, so that nobody believes to have asked.
    pub(super) fn check(&self) -> Result<()> {
        let given = [
            ("--budget", self.budget != Policy::DEFAULT_BUDGET),
            ("--cache", self.cache.is_some()),
            ("--account", self.account.is_some()),
            ("--usage-type-of", self.usage_type_of.is_some()),
        ];
        match given.iter().find(|(_, given)| *given && !self.live) {
            Some((name, _)) => bail!("{name} needs --live; --help shows what there is"),
            None => Ok(()),
        }
    }
}

fn parse_budget(text: &str) -> Result<Decimal, String> {
    let amount = text.trim_start_matches('$').parse::<Decimal>().ok().filter(|amount| !amount.is_sign_negative());
    amount.ok_or_else(|| format!("{text:?} is no amount of dollars such as 3 or 0.50"))
}

fn parse_account(text: &str) -> Result<String, String> {
    is_account(text).then(|| text.to_owned()).ok_or_else(|| format!("{text:?} is no account id of 12 digits"))
}

/// What asking came to.
pub(super) struct Asked {
    /// Where the pages are.
    pub(super) folder: String,
    /// Nothing that was due is missing.
    pub(super) complete: bool,
    /// A service and its pages by usage type.
    pub(super) usage_types: Option<(String, Vec<String>)>,
}

/// Asks for what is due.
pub(super) fn ask(arguments: &Live, voice: Voice) -> Result<Asked> {
    let now = now();
    let folder = match &arguments.cache {
        Some(folder) => folder.clone(),
        None => state_folder()
            .map(|folder| folder.join("cost"))
            .context("neither HOME nor XDG_STATE_HOME is set; name a folder with --cache DIR")?,
    };
    let name = folder.to_str().context("the path of the cache is no UTF-8; name another with --cache DIR")?.to_owned();
    let mut cache = Cache::open(&folder, arguments.account.as_deref())?;
    let policy = Policy { budget: arguments.budget, account: arguments.account.clone() };
    let plan = policy.plan(cache.history(), now, arguments.usage_type_of.as_deref());
    voice.remark(&before(&plan, &policy, &cache, now));
    let polled = poll(&mut cache, &policy, &plan, now)?;
    for (what, why) in &polled.problems {
        complain(&format!("stakeout: {}: {why}", what.key()));
    }
    if polled.is_refused() {
        bail!("Cost Explorer was not asked to the end");
    }
    if polled.pages == 0 && !polled.problems.is_empty() && !cache.holds_spend() {
        bail!("Cost Explorer gave nothing, and {name} holds nothing yet");
    }
    if !plan.queries.is_empty() {
        voice.remark(&after(&polled, &policy, &cache, now));
    }
    let pages = |service: &str| cache.usage_types(service).iter().map(|path| path.display().to_string()).collect();
    let usage_types = arguments.usage_type_of.as_ref().map(|service| (service.clone(), pages(service)));
    Ok(Asked { folder: name, complete: polled.problems.is_empty(), usage_types })
}

fn poll(cache: &mut Cache, policy: &Policy, plan: &Plan, now: Seconds) -> Result<Polled> {
    if plan.queries.is_empty() {
        return Ok(Polled::default());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting to ask AWS")?;
    let mut patience = Patience { sleep: |wait: Duration| tokio::time::sleep(wait), random: fastrand::f64 };
    Ok(runtime.block_on(async {
        let explorer = Explorer::connect().await;
        crate::source::explorer::poll(&explorer, cache, policy, plan, now, &mut patience).await
    }))
}

/// What is about to be asked, and its price.
fn before(plan: &Plan, policy: &Policy, cache: &Cache, now: Seconds) -> String {
    let spent = spent(policy, cache, now);
    let due = plan.due.map(|due| format!("spend is due again at {}", time::format(due)));
    if plan.queries.is_empty() {
        return format!("nothing to ask Cost Explorer: {}; {spent}", due.unwrap_or_default());
    }
    let what: Vec<_> = plan.queries.iter().map(|query| query.what.key()).collect();
    let due = due.map_or_else(String::new, |due| format!(" ({due})"));
    format!(
        "asking Cost Explorer for {}{due}: probably {}, {}; {spent}",
        what.join(", "),
        counted(plan.pages, "page"),
        money_exact(price(plan.pages), "USD"),
    )
}

/// What was paid, and what goes on being paid at this rate.
fn after(polled: &Polled, policy: &Policy, cache: &Cache, now: Seconds) -> String {
    let estimate = policy.estimate(cache.history(), now);
    format!(
        "read {} for {}; {}; asking every 8 hours costs about {} a month: {}",
        counted(polled.pages, "page"),
        money_exact(price(polled.pages), "USD"),
        spent(policy, cache, now),
        money_exact(estimate.dollars, "USD"),
        estimate.arithmetic,
    )
}

fn spent(policy: &Policy, cache: &Cache, now: Seconds) -> String {
    let paid = price(cache.history().paid_in_month(now));
    format!("paid this month {} of {}", money_exact(paid, "USD"), money_exact(policy.budget, "USD"))
}
