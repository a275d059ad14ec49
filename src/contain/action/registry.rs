//! Every action, once.

use super::iam::Deactivate;
use super::{
    AccessKeys, Action, ServiceCredentials, SigningCertificates, SshKeys, attach_deny, close_trust,
    delete_event_source, delete_function, delete_function_url, delete_key, delete_login_profile, delete_rule,
    delete_user, deny_other_networks, deny_sessions, disable_event_source, disable_rule, disable_schedule,
    enable_guardduty, remove_failure_destination, remove_provisioned_concurrency, remove_public_permission,
    require_signed_url, save_function, save_identity, save_rule, set_deny_boundary, start_trail, stop_function,
};

static OF_IDENTITIES: &[&dyn Action] = &[
    &save_identity::SaveIdentity,
    &attach_deny::AttachDeny,
    &deny_sessions::DenySessions,
    &deny_other_networks::DenyOtherNetworks,
    &close_trust::CloseTrust,
    &set_deny_boundary::SetDenyBoundary,
    &Deactivate(AccessKeys),
    &Deactivate(SshKeys),
    &Deactivate(ServiceCredentials),
    &Deactivate(SigningCertificates),
    &delete_login_profile::DeleteLoginProfile,
    &delete_key::DeleteKey,
    &delete_user::DeleteUser,
];

static OF_FUNCTIONS: &[&dyn Action] = &[
    &save_function::SaveFunction,
    &save_rule::SaveRule,
    &remove_provisioned_concurrency::RemoveProvisionedConcurrency,
    &remove_failure_destination::RemoveFailureDestination,
    &stop_function::StopFunction,
    &require_signed_url::RequireSignedUrl,
    &remove_public_permission::RemovePublicPermission,
    &disable_event_source::DisableEventSource,
    &disable_rule::DisableRule,
    &disable_schedule::DisableSchedule,
    &delete_event_source::DeleteEventSource,
    &delete_function_url::DeleteFunctionUrl,
    &delete_function::DeleteFunction,
    &delete_rule::DeleteRule,
];

static OF_ACCOUNTS: &[&dyn Action] = &[&start_trail::StartTrail, &enable_guardduty::EnableGuardDuty];

/// Every action of this program.
pub(crate) fn all() -> impl Iterator<Item = &'static dyn Action> {
    let actions = [
        OF_ACCOUNTS,
        OF_IDENTITIES,
        OF_FUNCTIONS,
        #[cfg(feature = "ec2")]
        super::ec2::ACTIONS,
    ];
    actions.into_iter().flatten().copied()
}

/// An action by its name.
pub(crate) fn by_name(name: &str) -> Option<&'static dyn Action> {
    all().find(|action| action.name() == name)
}
