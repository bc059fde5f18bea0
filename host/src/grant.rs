//! What may each component do?
//!
//! Brings together what the manifest asks for and what the operator allows.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::app::Options;
use crate::failure::{Failure, Outcome};
use crate::guest::Capabilities;
use crate::guest::clock::Clock;
use crate::key_value::Pairs;
use crate::manifest::Manifest;
use crate::outbound::{AllowList, Application, Blocked, Client, Outbound};
use crate::sqlite;
use crate::variables::Variables;

/// What each component may do.
///
/// # Errors
/// If a variable has no value, or an allow list or a database's place is wrong.
pub(crate) fn capabilities(
    manifest: &Manifest,
    options: &Options,
    variables: &Arc<Variables>,
    application: &Application,
) -> Outcome<HashMap<String, Arc<Capabilities>>> {
    let blocked = options.runtime_config.blocked.clone().unwrap_or_else(Blocked::standard);
    let blocked = if options.allow_private_outbound { blocked.without_private() } else { blocked };
    if !blocked.blocks_private() {
        tracing::warn!(
            "Components may reach private addresses, such as this machine and its network; do not serve strangers like this"
        );
    }
    let client = Client::new(blocked);
    let labels = manifest.component.values().flat_map(|component| component.sqlite_databases.iter().cloned());
    let labels: BTreeSet<String> = labels.collect();
    let databases = sqlite::locate(labels, &options.runtime_config.databases, options.state.as_deref())?;
    let key_value = Pairs::new(options.state.as_ref().map(|state| state.join("key_value.db")));
    let clock = Clock::new(options.test_clock.clone());
    let ids: Vec<String> = manifest.trigger.http.iter().map(|trigger| trigger.component.clone()).collect();
    let mut all = HashMap::new();
    for (id, component) in &manifest.component {
        let hosts = allowed(id, &component.allowed_outbound_hosts, variables, &ids)?;
        let own = component.sqlite_databases.iter();
        let own = own.filter_map(|label| Some((label.clone(), Arc::clone(databases.get(label)?))));
        let (client, application) = (Arc::clone(&client), Arc::clone(application));
        all.insert(
            id.clone(),
            Arc::new(Capabilities {
                component: id.clone(),
                environment: component.environment.clone().into_iter().collect(),
                databases: own.collect(),
                stores: component.key_value_stores.clone(),
                key_value: Arc::clone(&key_value),
                variables: Arc::clone(variables),
                outbound: Outbound { allowed: Arc::new(hosts), client, application },
                clock: clock.clone(),
            }),
        );
    }
    Ok(all)
}

fn allowed(id: &str, entries: &[String], variables: &Variables, components: &[String]) -> Outcome<AllowList> {
    let refused = |why: String| {
        Failure::new(
            format!("allowed_outbound_hosts of the component '{id}' is refused: {why}."),
            "The host would not know where the component may send requests.",
            "Write entries as <scheme>://<host>[:<port>], for example https://*.example.com or *://*:*.",
        )
    };
    let mut filled = Vec::new();
    for entry in entries {
        let text = variables.fill(entry).map_err(refused)?;
        // A variable may be empty to say that there is no such destination.
        if text == *entry || !matches!(text.as_str(), "" | "http://" | "https://") {
            filled.push(text);
        }
    }
    AllowList::parse(filled.iter().map(String::as_str), components).map_err(refused)
}
