import pytest
from .driver import Lab, picture_to, until

pytestmark = pytest.mark.browser
CODE = """
import flambeau as fb
from flambeau import nn
net = nn.Sequential(nn.Conv2d(1,8,3), nn.ReLU(), nn.Flatten(), nn.Linear(8*36,10))
x = fb.randn(32,1,8,8); y = fb.randint(0,10,(32,))
opt = fb.optim.SGD(net.parameters(), lr=0.1)
def train(n):
    for i in range(n):
        loss = nn.functional.cross_entropy(net(x), y); opt.zero_grad(); loss.backward(); opt.step()
view = fb.live()
view
"""


def test_try(lab):
    nb = lab.new("a.ipynb")
    lab.open_panel()
    print(nb.run(CODE))
    print(nb.outputs(0)[0]["data"].keys())
    r = nb.begin("train(10000)")
    until(lambda: lab.panel.iteration.inner_text() > "Iteration 1", "x")
    print(lab.panel.iteration.inner_text(), nb.status, r.finished)
    lab.panel.click("Linear")
    print(lab.panel.inspector.inner_text())
    print(nb.status, r.finished)
    w = nb.widget(0)
    w.tab("Gradients")
    picture_to(lab.page, "try1")
    r.wait()
    print(nb.run("1"))
    picture_to(lab.page, "try2")
    nb.save()
    nb.restart()
    picture_to(lab.page, "try3")
    print(lab.panel.status.inner_text(), w.status.inner_text())
    nb.save()
    lab.reload()
    nb.wait_until_ready()
    picture_to(lab.page, "try4")
    print(nb.cell(0).locator(".jp-OutputArea-output").inner_html()[:300])
    print(nb.cell(0).locator(".fb-still").count())
