//! Which column of a table holds what, by the names in its header.

/// The kinds of tables with one amount in each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// A Cost and Usage Report: legacy, of Athena, or 2.0.
    Cur,
    /// FOCUS 1.0 to 1.2.
    Focus,
    /// Dated rows of any origin, `usage_date,seen_at,...`.
    Plain,
}

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Date,
    Seen,
    Account,
    Service,
    Region,
    Zone,
    UsageType,
    RecordType,
    /// FOCUS: whether a row corrects an earlier one.
    Class,
    Currency,
    /// What usage cost, before anything is taken off.
    Amount,
    /// What a charge that is no usage came to.
    Charge,
    Principal,
}

const ROLES: usize = Role::Principal as usize + 1;

/// Column names by role, the preferred first; without case and punctuation, so that the header of a report and that
/// of a table made of it are the same.
type Names = &'static [(Role, &'static [&'static str])];

const CUR: Names = &[
    (Role::Date, &["lineitemusagestartdate", "billbillingperiodstartdate"]),
    (Role::Account, &["lineitemusageaccountid", "billpayeraccountid"]),
    (Role::Service, &["lineitemproductcode", "productservicecode", "productproductname"]),
    (Role::Region, &["productregion", "productregioncode"]),
    (Role::Zone, &["lineitemavailabilityzone"]),
    (Role::UsageType, &["lineitemusagetype"]),
    (Role::RecordType, &["lineitemlineitemtype"]),
    (Role::Currency, &["lineitemcurrencycode"]),
    (Role::Amount, &["lineitemunblendedcost"]),
    (Role::Charge, &["lineitemunblendedcost"]),
    (Role::Principal, &["lineitemiamprincipal"]),
];

const FOCUS: Names = &[
    (Role::Date, &["chargeperiodstart"]),
    (Role::Account, &["subaccountid", "billingaccountid"]),
    (Role::Service, &["servicename", "xservicecode"]),
    (Role::Region, &["regionid", "region"]),
    (Role::Zone, &["availabilityzone"]),
    (Role::UsageType, &["xusagetype", "skupriceid"]),
    (Role::RecordType, &["chargecategory"]),
    (Role::Class, &["chargeclass"]),
    (Role::Currency, &["billingcurrency"]),
    (Role::Amount, &["listcost", "effectivecost", "billedcost"]),
    (Role::Charge, &["billedcost", "effectivecost"]),
];

const PLAIN: Names = &[
    (Role::Date, &["usagedate", "date"]),
    (Role::Seen, &["seenat"]),
    (Role::Account, &["account", "accountid"]),
    (Role::Service, &["service"]),
    (Role::Region, &["region"]),
    (Role::UsageType, &["usagetype", "usage"]),
    (Role::RecordType, &["recordtype"]),
    (Role::Currency, &["currency"]),
    (Role::Amount, &["amount", "cost"]),
    (Role::Charge, &["amount", "cost"]),
];

/// The columns that name a line item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) id: usize,
    /// The hour or day, which an id may be the same in several of.
    pub(super) interval: Option<usize>,
}

impl Identity {
    pub(super) fn columns(self) -> Vec<usize> {
        std::iter::once(self.id).chain(self.interval).collect()
    }
}

/// Where in a table what is to be read stands.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) format: Format,
    /// Positions of the columns that are read, in order.
    pub(super) columns: Vec<usize>,
    /// How many columns there are in all.
    pub(super) width: usize,
    /// Where a report says which line item a row is.
    pub(super) identity: Option<Identity>,
    /// For each role the places in `columns`, the preferred first.
    slots: [Vec<usize>; ROLES],
}

impl Layout {
    /// The layout of a table with this header; none when it is no table of costs.
    pub(super) fn of(header: &[String]) -> Option<Self> {
        let names: Vec<String> = header.iter().map(|name| bare(name)).collect();
        let has = |name: &str| names.iter().any(|own| own == name);
        let (format, roles) = if has("lineitemunblendedcost") {
            (Format::Cur, CUR)
        } else if has("chargeperiodstart") && ["listcost", "effectivecost", "billedcost"].into_iter().any(has) {
            (Format::Focus, FOCUS)
        } else if (has("usagedate") || has("date"))
            && (has("amount") || has("cost"))
            && ["account", "accountid", "service", "region"].into_iter().any(has)
        {
            (Format::Plain, PLAIN)
        } else {
            return None;
        };
        let position = |name: &&str| names.iter().position(|own| own == name);
        let mut columns: Vec<usize> = roles.iter().flat_map(|(_, names)| names.iter().filter_map(position)).collect();
        columns.sort_unstable();
        columns.dedup();
        let mut slots: [Vec<usize>; ROLES] = Default::default();
        for (role, names) in roles {
            let places = names.iter().filter_map(position).filter_map(|column| columns.binary_search(&column).ok());
            if let Some(slot) = slots.get_mut(*role as usize) {
                slot.extend(places);
            }
        }
        let identity =
            position(&"identitylineitemid").map(|id| Identity { id, interval: position(&"identitytimeinterval") });
        Some(Self { format, columns, width: header.len(), identity, slots })
    }

    /// The places of a role's columns among those that are read, the preferred first.
    pub(super) fn slots(&self, role: Role) -> &[usize] {
        self.slots.get(role as usize).map_or(&[], Vec::as_slice)
    }
}

/// A column name without case, blanks and punctuation.
pub(super) fn bare(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}
