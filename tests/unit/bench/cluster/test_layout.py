# SPDX-License-Identifier: Apache-2.0
from bench.cluster.layout import Distributed, layout_of
from bench.cluster.servers import Cluster
from trove_minicloud import settings
from trove_minicloud.cloud.running import SingleProcess
from trove_minicloud.root import Root


def test_a_clusters_rows_are_in_mariadb_and_its_parts_talk_by_rabbitmq(
    root: Root, chosen: Cluster
) -> None:
    layout = layout_of(root, settings.load_or_create(root))
    assert isinstance(layout, Distributed)
    backend = layout.backend()
    assert {url.partition(":")[0] for url in backend.databases.values()} == {"mysql+pymysql"}
    assert backend.transport_url.startswith("rabbit://")
    assert layout.ports()["rabbitmq"] == chosen.rabbitmq_port
    assert layout.mistral().name == "mistral-api"
    assert len(layout.servers()) == chosen.engines + chosen.executors + 2


def test_any_other_root_is_a_single_process(root: Root) -> None:
    layout = layout_of(root, settings.load_or_create(root))
    assert isinstance(layout, SingleProcess)
    assert (layout.mistral().name, layout.servers()) == ("mistral", [])
