//! Fifty-one ways in which another integration of the same two apps fails. None of them may be true of Counterpart.
//!
//! Each point has its number and what must be true here, in a few words, with the tests that prove it; what cannot be
//! shown yet says what it waits for. The tests below hold the tables against the sources.

mod points;

use std::collections::BTreeSet;
use std::path::Path;

/// Number, what is true here, and the tests that prove it.
const PROVEN: &[(u8, &str, &[&str])] = &[
    (
        1,
        "no line is left out to make an invoice go through",
        &[
            "t11_a_line_never_lands_on_a_category_or_a_bundle_and_is_never_left_out",
            "nothing_is_left_out_and_the_order_stays",
        ],
    ),
    (
        2,
        "automated tax lands on the line it was worked out for",
        &[
            "r46_r48_r49_the_taxes_are_written_per_line_and_the_totals_end_equal",
            "an_echo_with_discounts_and_surcharges_finds_nothing_to_do_either",
            "lines_that_were_added_meanwhile_are_not_lost",
        ],
    ),
    (
        3,
        "an amount is quantity times price, discounts and all",
        &[
            "amounts_are_quantity_times_price_and_their_sum_is_the_billing_apps",
            "line_and_invoice_discounts_and_surcharges_pass_quickbooks_own_arithmetic",
        ],
    ),
    (
        4,
        "prices with their tax are not taxed again",
        &[
            "in_the_united_states_prices_with_their_tax_are_told_without_it",
            "elsewhere_each_line_carries_its_code_and_prices_may_include_the_tax",
        ],
    ),
    (5, "surcharges are booked", &["taxed_surcharges_are_lines_of_their_own"]),
    (
        6,
        "foreign money carries its currency and rate",
        &["d14_foreign_money_carries_its_currency_and_rate_and_is_never_booked_one_to_one"],
    ),
    (
        7,
        "totals are compared after each push, whatever the tax model",
        &[
            "totals_agree_to_the_cent_and_a_difference_is_told",
            "t12_automated_tax_may_differ_by_a_cent_and_no_more",
        ],
    ),
    (
        8,
        "an exempt line never gets a code that taxes",
        &[
            "what_is_exempt_never_carries_a_code_that_taxes",
            "elsewhere_an_ambiguous_tax_waits_and_an_exempt_line_is_never_taxed",
        ],
    ),
    (
        9,
        "each line keeps the rates of its own jurisdiction and category",
        &["r46_r48_r49_the_taxes_are_written_per_line_and_the_totals_end_equal"],
    ),
    (
        10,
        "a tax that QuickBooks takes away goes away",
        &["a_tax_that_quickbooks_takes_away_goes_away", "an_edit_of_the_invoice_gets_its_taxes_anew"],
    ),
    (
        11,
        "the billing app's own total is what QuickBooks' is compared with",
        &["automated_sales_tax_is_quickbooks_own_and_a_difference_is_told"],
    ),
    (
        12,
        "a pulled invoice keeps each line's rate",
        &["point_12_a_pulled_invoice_keeps_each_lines_rate", "r46_automated_sales_tax_comes_over_per_line"],
    ),
    (13, "a requested deposit is no money received", &["point_13_a_requested_deposit_is_no_money_received"]),
    (
        14,
        "refunds are told, credits are not cash",
        &["point_14_money_given_back_is_told_and_credit_is_not_booked_as_cash"],
    ),
    (
        15,
        "a discount survives the way there and back",
        &["point_15_a_discount_survives_the_way_there_and_back", "r48_there_and_back_keeps_the_invoice"],
    ),
    (
        16,
        "what is false is false",
        &["point_16_what_is_false_is_false", "the_tax_model_follows_country_and_preferences"],
    ),
    (17, "what only QuickBooks knows survives an update", &["a_bookkeepers_edit_to_another_field_survives"]),
    (
        18,
        "a bookkeeper's edit is not overwritten without a word",
        &["where_both_changed_a_field_the_later_edit_wins_and_the_loser_is_told"],
    ),
    (
        19,
        "what is deleted or cancelled is voided, and drafts stay out",
        &[
            "d13_a_cancelled_invoice_is_voided_and_stays_so_until_it_is_restored",
            "d8_invoices_before_the_cut_off_and_drafts_are_skipped",
            "both_void_shapes_leave_the_document_with_its_amounts_at_zero",
        ],
    ),
    (
        20,
        "every edit is pushed",
        &["point_20_every_edit_is_pushed_and_nothing_but_it", "r20_d1_product_edits_follow_their_switch"],
    ),
    (
        21,
        "a void in QuickBooks is recognised as it really looks",
        &[
            "r33_d4_a_voided_invoice_is_deleted_and_kept_whole_in_the_log",
            "r34_d4_a_voided_payment_is_deleted_and_kept_with_its_allocations",
        ],
    ),
    (
        22,
        "a deletion in QuickBooks is applied",
        &[
            "r33_d4_a_voided_invoice_is_deleted_and_kept_whole_in_the_log",
            "changes_and_deletions_are_carried_out_once",
        ],
    ),
    (
        23,
        "a pulled payment is applied to its invoices",
        &["t15_a_payment_over_two_invoices_is_edited_moved_and_deleted"],
    ),
    (
        24,
        "the echo of our own create changes nothing",
        &["t20_r94_a_push_is_not_pulled_and_a_pull_is_not_pushed"],
    ),
    (
        25,
        "newer is told by versions, not by two clocks",
        &[
            "t21_a_touch_of_the_billing_app_does_not_block_a_pull",
            "t21_r32_an_edit_here_that_is_not_pushed_yet_survives_a_pull_of_another_field",
        ],
    ),
    (
        26,
        "links belong to a realm",
        &[
            "kinds_and_books_are_apart",
            "another_realm_than_before_is_refused",
            "t24_links_of_another_quickbooks_company_are_not_reused",
        ],
    ),
    (27, "a clone has no part in the original's link", &["point_27_a_clone_gets_a_counterpart_of_its_own"]),
    (28, "a lost answer makes no second entity", &["t3_an_answer_lost_after_the_commit_makes_one_of_each"]),
    (
        29,
        "a number in use is found as it is sent, and no look-up means no create",
        &["point_29_a_number_in_use_is_found_as_it_is_sent_and_without_an_answer_nothing_is_made"],
    ),
    (
        30,
        "several candidates wait for a person",
        &[
            "two_unlinked_candidates_wait_for_a_person_and_a_linked_one_is_not_taken_away",
            "an_address_links_when_it_is_the_only_one",
        ],
    ),
    (
        31,
        "what failed once is matched the next time all the same",
        &["point_31_what_failed_once_is_matched_the_next_time"],
    ),
    (
        32,
        "a product is looked up before it is made",
        &[
            "a_product_whose_name_is_held_is_not_sent_again_with_each_retry",
            "r23_products_match_by_name_and_t11_never_a_category",
        ],
    ),
    (33, "whoever holds a name is told", &["t10_whoever_holds_the_name_is_told_and_nothing_is_made"]),
    (34, "an individual's name comes over", &["point_34_an_individuals_name_comes_over"]),
    (35, "no tax is added to somebody's books", &["point_35_no_tax_is_ever_added_to_somebodys_books"]),
    (
        36,
        "what passes is tried again by itself",
        &[
            "a_request_that_never_arrived_is_sent_again",
            "t25_a_throttle_redelivers_in_order_and_loses_nothing",
        ],
    ),
    (37, "a throttle loses nothing", &["t25_a_throttle_redelivers_in_order_and_loses_nothing"]),
    (
        38,
        "the outbox is durable",
        &["events_are_delivered_once_and_in_order_and_again_when_told", "fixed_seeds_find_nothing"],
    ),
    (
        39,
        "every call of a realm draws on one atomic budget",
        &["turns_are_shared", "of_racing_workers_each_has_a_turn_of_its_own"],
    ),
    (
        40,
        "no sender is kept waiting beyond the time it is given",
        &[
            "d6_what_is_late_is_left_to_the_queue_and_nothing_is_pushed_twice",
            "a_turn_that_comes_too_late_is_not_taken",
        ],
    ),
    (
        41,
        "locks end by themselves, and a company's events have one worker",
        &["a_lease_has_one_holder", "of_racing_workers_one_has_the_lease"],
    ),
    (
        42,
        "one refresher",
        &[
            "of_many_workers_one_refreshes",
            "fifty_workers_that_find_the_same_expired_token_make_one_refresh_and_all_go_on",
            "a_refresher_killed_at_any_step_strands_nobody",
            "a_rejected_token_is_renewed_once_for_all_calls_and_the_calls_are_made_again",
        ],
    ),
    (
        43,
        "an echo is recognised by any worker, from the ledger alone",
        &["t20_r94_a_push_is_not_pulled_and_a_pull_is_not_pushed"],
    ),
    (
        44,
        "the sweep's cursor moves only past what was sent, and misses nothing",
        &[
            "the_cursor_stays_when_a_sweep_fails",
            "t16_more_than_an_answer_holds_is_found_whole",
            "t17_after_a_month_all_is_looked_at_again_and_it_is_said",
        ],
    ),
    (45, "lists are read to their end", &["reference_lists_are_read_to_their_end"]),
    (46, "nothing is read that is known", &["the_call_budget_holds"]),
    (
        47,
        "secrets are nowhere in clear",
        &[
            "no_log_holds_a_secret_and_nothing_was_given_up",
            "secrets_are_hidden_from_debug",
            "the_log_tells_intuits_id_of_a_call_and_nothing_secret",
        ],
    ),
    (
        48,
        "every event leaves a readable entry",
        &["point_48_every_event_leaves_an_entry_that_a_person_can_read"],
    ),
    (
        // Attachments stay out on purpose: every edit would make the copy in QuickBooks outdated, and whoever needs the
        // document finds it in the billing app.
        49,
        "deposit account, class, location, fees and custom fields arrive, and the bookkeeper's own stay",
        &[
            "point_49_a_payment_goes_to_the_account_that_is_chosen_and_stays_where_the_bookkeeper_puts_it",
            "point_49_an_account_that_was_made_inactive_is_named_and_nothing_is_booked_elsewhere",
            "point_49_an_invoice_has_the_chosen_class_and_location_and_keeps_the_bookkeepers",
            "point_49_each_line_has_the_chosen_class_and_keeps_the_bookkeepers",
            "point_49_a_class_that_was_made_inactive_is_named_and_what_is_not_tracked_is_not_sent",
            "point_49_a_custom_field_is_pushed_and_the_bookkeepers_own_are_never_dropped",
            "point_49_a_custom_field_comes_over_to_the_one_it_stands_for",
            "point_49_a_gateway_fee_is_read_as_a_fee",
            "point_49_a_gateway_fee_arrives_as_a_line",
        ],
    ),
    (
        50,
        "a used number is no closed period, and a closed one is not for ever",
        &["codes_decide", "t18_closed_books_are_recognised_on_create_update_and_void_from_the_fault"],
    ),
    (
        51,
        "a stale version is read and planned anew",
        &["t5_an_invoice_is_edited_after_its_payment", "t5_every_kind_of_edit_survives_a_payment_in_between"],
    ),
];

/// Number, what must become true, and what it waits for.
const NOT_YET: &[(u8, &str, &str)] = &[];

#[test]
fn every_point_is_proven_or_says_what_it_waits_for() {
    let proven = PROVEN.iter().map(|(number, ..)| *number);
    let open = NOT_YET.iter().map(|(number, ..)| *number);
    let listed: Vec<u8> = proven.chain(open).collect();
    let numbers: BTreeSet<u8> = listed.iter().copied().collect();
    assert_eq!(numbers, (1..=51).collect(), "each point is there");
    assert_eq!(listed.len(), numbers.len(), "and once");
    for (number, truth, waits_for) in NOT_YET {
        println!("not yet: {number}, {truth}; waits for {waits_for}");
    }
}

#[test]
fn every_test_that_the_checklist_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut sources = String::new();
    for folder in ["shared", "functions", "tests"] {
        read_sources(&root.join(folder), &mut sources);
    }
    for (number, _, tests) in PROVEN {
        assert!(!tests.is_empty(), "point {number}");
        for test in *tests {
            assert!(sources.contains(&format!("fn {test}(")), "point {number}: there is no test {test}");
        }
    }
}

/// The Rust files in a folder, one after the other.
fn read_sources(folder: &Path, sources: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            read_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}
