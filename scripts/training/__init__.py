"""Training of a scene from photos with gsplat: `scripts/train_reference`.

views, photos -> [capture] -> [points] -> [splats, loss] -> [train] -> 3DGS PLY
"""
