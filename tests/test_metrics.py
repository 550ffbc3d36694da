"""The list of metrics is complete, unambiguous and says which way is better."""

from regnet.metrics import METRICS, METRICS_BY_NAME

EXPECTED = {
    "higher": "pearson pearson_by_condition spearman spearman_by_condition r2 r2_held_out top_motifs",
    "lower": "rmse kl_signal kl_noise frobenius_signal frobenius_noise kl_signal_unscaled kl_noise_unscaled "
    "frobenius_signal_unscaled frobenius_noise_unscaled seconds",
    None: "coverage log_likelihood iterations converged at_boundary penalty",
}


def test_every_metric_of_a_study_is_listed_with_its_direction():
    for better, names in EXPECTED.items():
        assert {metric.name for metric in METRICS if metric.better == better} == set(names.split())


def test_names_and_titles_are_distinct_and_meanings_are_sentences():
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert len({metric.title for metric in METRICS}) == len(METRICS)
    shown = {metric.short or metric.title for metric in METRICS}
    assert len(shown) == len(METRICS)
    assert max(map(len, shown)) <= 11
    for metric in METRICS:
        assert metric.meaning[0].isupper() or metric.meaning[0].isdigit()
        assert metric.meaning.endswith(".")
        assert len(metric.title) <= 24


def test_metrics_are_found_by_name():
    assert METRICS_BY_NAME["rmse"].title == "RMSE"
    assert list(METRICS_BY_NAME) == [metric.name for metric in METRICS]
