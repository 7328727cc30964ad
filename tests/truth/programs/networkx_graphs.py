# SPDX-License-Identifier: MIT
"""Graph algorithms: generators in generators, exceptions as answers, decorators that compile."""
import io

import networkx as nx


def refuse(function, *args):
    """Calls what is to fail."""
    try:
        list(function(*args))
    except (nx.NetworkXException, TypeError, KeyError, StopIteration):
        return
    raise AssertionError(function)


def paths():
    """Ways through a grid, and where there is none."""
    grid = nx.grid_2d_graph(4, 4)
    assert nx.shortest_path_length(grid, (0, 0), (3, 3)) == 6
    assert len(list(nx.all_simple_paths(grid, (0, 0), (2, 2), cutoff=4))) == 6
    list(nx.dfs_edges(grid, (0, 0)))
    list(nx.bfs_layers(grid, [(0, 0)]))
    nx.astar_path(grid, (0, 0), (3, 3), lambda a, b: abs(a[0] - b[0]) + abs(a[1] - b[1]))
    apart = nx.Graph([(1, 2), (3, 4)])
    refuse(nx.shortest_path, apart, 1, 3)
    refuse(nx.dijkstra_path, apart, 1, 4)
    refuse(nx.bidirectional_shortest_path, apart, 1, 9)
    assert not nx.has_path(apart, 1, 3)
    next(nx.all_shortest_paths(grid, (0, 0), (3, 3)))  # and the generator is dropped
    refuse(nx.find_negative_cycle, nx.DiGraph([(1, 2)]), 1)


def structures():
    """Trees, cycles, flows, colours, isomorphisms."""
    wheel = nx.wheel_graph(6)
    assert nx.check_planarity(wheel)[0]
    nx.greedy_color(wheel)
    list(nx.find_cliques(wheel))
    list(nx.simple_cycles(nx.DiGraph([(1, 2), (2, 3), (3, 1), (2, 1)])))
    refuse(nx.find_cycle, nx.DiGraph([(1, 2), (2, 3)]))
    list(nx.topological_sort(nx.DiGraph([(1, 2), (2, 3)])))
    refuse(nx.topological_sort, nx.DiGraph([(1, 2), (2, 1)]))
    assert nx.is_isomorphic(nx.cycle_graph(5), nx.cycle_graph(5))
    assert not nx.is_bipartite(nx.cycle_graph(5))
    refuse(nx.bipartite.color, nx.cycle_graph(5))
    flow = nx.DiGraph()
    flow.add_edge("s", "a", capacity=3)
    flow.add_edge("a", "t", capacity=2)
    assert nx.maximum_flow_value(flow, "s", "t") == 2
    nx.minimum_spanning_tree(wheel)
    list(nx.community.label_propagation_communities(wheel))
    list(nx.lexicographical_topological_sort(nx.DiGraph([(1, 2)])))


def files():
    """Written and read again; broken ones too."""
    graph = nx.path_graph(3)
    out = io.BytesIO()
    nx.write_gml(graph, out)
    nx.parse_gml(out.getvalue().decode())
    refuse(nx.parse_gml, "graph [ node [ id 1 ] edge [ source 1 ] ]")
    nx.node_link_graph(nx.node_link_data(graph))
    out = io.BytesIO()
    nx.write_graphml_xml(graph, out)
    nx.read_graphml(io.BytesIO(out.getvalue()))
    list(nx.generate_edgelist(graph))
    refuse(nx.parse_edgelist, ["1 2 {bad"])


for part in (paths, structures, files):
    part()
