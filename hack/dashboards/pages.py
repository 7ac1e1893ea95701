"""The three dashboards: all models, one model, the operator itself."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.panels import Line, choice, curve, figure, page, rows

_NAMESPACES = choice("namespace", "Namespace", "label_values(headgate_phase, namespace)", several=True)
_ONE_NAMESPACE = choice("namespace", "Namespace", "label_values(headgate_phase, namespace)", several=False)
_MODEL = choice("model", "Model", 'label_values(headgate_phase{namespace="$namespace"}, model)', several=False)
_IN = 'namespace=~"$namespace"'
_OF = 'namespace="$namespace",model="$model"'


def fleet() -> Dashboard:
    """What happens to all models: for those who are on call, and for those who wait for each other."""
    return (
        page("headgate-fleet", "Headgate / Fleet", "All models: who rolls out, who waits, who was taken back.", since="now-7d")
        .with_variable(_NAMESPACES)
        .with_panel(figure("Models", "Known to the operator.", f"count(sum by (namespace, model) (headgate_phase{{{_IN}}}))"))
        .with_panel(
            figure("Rolling out", "In a stage with users.", f'count(headgate_phase{{{_IN},phase=~"Shadow|Canary|Full"}} == 1) or vector(0)')
        )
        .with_panel(
            figure("Waiting for people", "For an approval.", f'count(headgate_phase{{{_IN},phase=~"Awaiting.*"}} == 1) or vector(0)')
        )
        .with_panel(
            figure("Frozen", "Live without an approval.", f'count(headgate_phase{{{_IN},phase="Frozen"}} == 1) or vector(0)', bad_from=1)
        )
        .with_panel(
            figure(
                "Fallback",
                "Models that no version answers.",
                f'count(headgate_traffic_weight{{{_IN},slot="fallback"}} > 0) or vector(0)',
                bad_from=1,
            )
        )
        .with_panel(
            figure(
                "Taken back today",
                "",
                f"count(time() - headgate_last_rollback_timestamp_seconds{{{_IN}}} < 86400) or vector(0)",
                bad_from=1,
            )
        )
        .with_panel(
            curve("Models by phase", "", Line(f"sum by (phase) (headgate_phase{{{_IN}}})", "{{phase}}"), stacked=True),
        )
        .with_panel(
            curve(
                "Versions taken back, per hour",
                "By cause.",
                Line("sum by (cause) (increase(headgate_rollbacks_total[1h])) > 0", "{{cause}}"),
            )
        )
        .with_panel(
            rows(
                "Waiting for people",
                "Since when.",
                f'max by (namespace, model, phase) (headgate_phase{{{_IN},phase=~"Awaiting.*"}} == 1) '
                "* on (namespace, model) group_left () "
                f"(time() - max by (namespace, model) (headgate_phase_since_timestamp_seconds{{{_IN}}}))",
                unit="s",
            )
        )
        .with_panel(
            rows(
                "Approvals that end within 30 days",
                "Of use cases, and of candidates under way.",
                f"sort(min by (namespace, model, gate) (headgate_approval_expires_timestamp_seconds{{{_IN}}}) - time() < 30 * 86400)",
                unit="s",
            )
        )
        .with_panel(
            rows(
                "Candidates",
                "Thousandths of the users they get.",
                f'sort_desc(max by (namespace, model) (headgate_traffic_weight{{{_IN},slot="candidate"}}) > 0)',
            )
        )
        .with_panel(
            rows(
                "Live models beyond a limit",
                "What headgate monitor says.",
                f'max by (namespace, model, kind, verdict) (headgate_monitor_verdict{{{_IN},verdict=~"Drifting|Violated"}}) == 1',
            )
        )
        .build()
    )


def model() -> Dashboard:
    """One model: where its users are, what the evidence says, what it waits for."""
    answers = 'envoy_cluster_upstream_rq_xx{envoy_cluster_name=~"httproute/$namespace/$model/rule/[0-9]+/backend/[01]"'
    slot = 'label_replace(%s, "slot", "$1", "envoy_cluster_name", ".*/backend/([01])")'
    rate = f"rate({answers}}}[$__rate_interval])"
    failed = f'rate({answers},envoy_response_code_class="5"}}[$__rate_interval])'
    by_slot = f"sum by (slot) ({slot % rate})"
    failed_by_slot = f"sum by (slot) ({slot % failed})"
    return (
        page("headgate-model", "Headgate / Model", "One model: its traffic, its evidence, its approvals.", since="now-24h")
        .with_variable(_ONE_NAMESPACE)
        .with_variable(_MODEL)
        .with_panel(
            rows(
                "Phase",
                "And for how long.",
                f"max by (phase) (headgate_phase{{{_OF}}} == 1) * scalar(time() - max(headgate_phase_since_timestamp_seconds{{{_OF}}}))",
                unit="s",
                wide=8,
            )
        )
        .with_panel(rows("Verdict", "While a candidate is in a stage.", f"max by (verdict) (headgate_verdict{{{_OF}}}) == 1", wide=8))
        .with_panel(
            rows("Approved for", "", f"min by (gate) (headgate_approval_expires_timestamp_seconds{{{_OF}}}) - time()", unit="s", wide=8)
        )
        .with_panel(
            curve(
                "Who answers",
                "Wanted thousandths of the requests.",
                Line(f'max by (slot) (headgate_traffic_weight{{{_OF},slot!="mirror"}})', "{{slot}}"),
                wide=24,
                stacked=True,
            )
        )
        .with_panel(
            curve(
                "Requests by slot",
                "Slot 0 is the stable version, 1 the candidate; as Envoy counts them.",
                Line(by_slot, "slot {{slot}}"),
                unit="reqps",
            )
        )
        .with_panel(curve("Errors by slot", "Share of 5xx.", Line(f"{failed_by_slot} / {by_slot}", "slot {{slot}}"), unit="percentunit"))
        .with_panel(
            curve("Verdict", "Over time.", Line(f"max by (verdict) (headgate_verdict{{{_OF}}})", "{{verdict}}"), stacked=True),
        )
        .with_panel(
            curve(
                "Trouble",
                "1 while it lasts: somebody else answers, broken glass, the audit waits, the route gives away more than is wanted.",
                Line(f"max by (to) (headgate_failover{{{_OF}}})", "{{to}} answers"),
                Line(f"max(headgate_break_glass{{{_OF}}})", "broken glass"),
                Line(f"max(headgate_audit_pending{{{_OF}}})", "decisions not in the audit"),
                Line(f"max(headgate_audit_broken{{{_OF}}})", "audit broken"),
                Line(f"max(headgate_unwanted_traffic_weight{{{_OF}}})", "unwanted thousandths"),
            )
        )
        .with_panel(
            curve(
                "In service",
                "What headgate monitor says of the live version.",
                Line(f"max by (kind, verdict) (headgate_monitor_verdict{{{_OF}}})", "{{kind}}: {{verdict}}"),
                wide=24,
            )
        )
        .with_panel(
            curve(
                "Scorecard",
                "From 0 to 1; a part that is not wholly measured has none.",
                Line(f"max by (part) (headgate_monitor_scorecard{{{_OF}}})", "{{part}}"),
                wide=24,
            )
        )
        .build()
    )


def operator() -> Dashboard:
    """The operator itself: does it lead, decide, hear from Prometheus, and keep up?"""
    passes = "sum by (result) (rate(headgate_reconcile_total[$__rate_interval]))"
    slow = "histogram_quantile(0.99, sum by (le) (rate(headgate_reconcile_seconds_bucket[$__rate_interval])))"
    usual = "histogram_quantile(0.5, sum by (le) (rate(headgate_reconcile_seconds_bucket[$__rate_interval])))"
    asked = "histogram_quantile(0.99, sum by (le, template) (rate(headgate_prometheus_query_seconds_bucket[$__rate_interval])))"
    return (
        page("headgate-operator", "Headgate / Operator", "The operator: leader, passes, queue, Prometheus.", since="now-6h")
        .with_panel(figure("Leaders", "Exactly one.", "sum(headgate_leader)", bad_from=2))
        .with_panel(figure("Queue", "Models that wait for a decision.", "max(headgate_queue_depth and headgate_leader == 1)"))
        .with_panel(
            figure(
                "Governance missing",
                "Operators that miss admission policies.",
                "count(headgate_governance_enforced == 0) or vector(0)",
                bad_from=1,
            )
        )
        .with_panel(figure("Prometheus away", "", "count(headgate_prometheus_up == 0) or vector(0)", bad_from=1))
        .with_panel(figure("Definitions missing", "", "max(headgate_kinds_missing)", bad_from=1))
        .with_panel(figure("Orphaned models", "Deleted, and still serving.", "max(headgate_orphaned_models)"))
        .with_panel(curve("Passes per second", "By result.", Line(passes, "{{result}}"), unit="ops"))
        .with_panel(curve("Duration of a pass", "", Line(usual, "median"), Line(slow, "99 %"), unit="s"))
        .with_panel(curve("Queue", "By process; a standby's waits for its turn.", Line("headgate_queue_depth", "{{pod}}")))
        .with_panel(
            curve("Decisions per hour", "By phase.", Line("sum by (phase) (increase(headgate_decisions_total[1h])) > 0", "{{phase}}"))
        )
        .with_panel(
            curve(
                "Questions to Prometheus",
                "By what came of them.",
                Line("sum by (result) (rate(headgate_prometheus_queries_total[$__rate_interval])) > 0", "{{result}}"),
                unit="ops",
            )
        )
        .with_panel(curve("Time to answer, 99 %", "By question.", Line(asked, "{{template}}"), unit="s"))
        .with_panel(
            curve(
                "Event loop and watches",
                "How late the loop is, and how old the last full lists.",
                Line("headgate_loop_lag_seconds", "lag {{pod}}"),
                Line("headgate_watch_age_seconds", "lists {{pod}}"),
                unit="s",
            )
        )
        .with_panel(
            curve(
                "Notifications per hour",
                "By channel and result.",
                Line("sum by (channel, result) (increase(headgate_notifications_total[1h])) > 0", "{{channel}}: {{result}}"),
                Line("sum by (channel) (increase(headgate_notifications_dropped_total[1h])) > 0", "{{channel}}: dropped"),
            )
        )
        .build()
    )


PAGES = {"headgate-fleet": fleet, "headgate-model": model, "headgate-operator": operator}
