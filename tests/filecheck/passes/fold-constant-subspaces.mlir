// RUN: pqc opt %s -p fold-constant-subspaces | filecheck %s
// RUN: pqc opt %s -p 'fold-constant-subspaces{fold=none}' | filecheck %s --check-prefix=NONE
// RUN: not pqc opt %s -p 'fold-constant-subspaces{fold=all}' 2>&1 | filecheck %s --check-prefix=UNKNOWN
// RUN: not pqc opt %s -p 'fold-constant-subspaces{fold=calibrated}' 2>&1 | filecheck %s --check-prefix=FRAMES

// The first channel is padding, so that it is always zero, whose prototype is number 0. What this adds goes to the bias.
// CHECK: [[C:%[^ ]+]] = pq.encode %padded, %{{[^ ]+}} folded [0] <[1, 1] {{.*}} tensor<1x2x1xui8> -> !pq.codes<[?, 1, 4, 4], 2>
// CHECK: pq.lookup [[C]], {{.*}} tensor<1x2x2xsi8>, tensor<2xsi32> -> tensor<?x2x4x4xsi16>
// NONE: pq.encode %padded, %{{[^ ]+}} <[1, 1] {{.*}} tensor<2x2x1xui8> -> !pq.codes<[?, 2, 4, 4], 2>
// UNKNOWN: fold 'all', allowed are none, proven, calibrated
// FRAMES: the IR has no module attribute 'pqc.calibration'

builtin.module {
  func.func @main(%x: !pq.tensor<?x1x4x4xui8, 0.5>) -> tensor<?x2x4x4xsi16> {
    %codebook = blob.constant <"codebook", "9da7965c42203e8e"> : tensor<2x2x1xui8>
    %table = blob.constant <"integer table", "c1b35f5bc83863dc"> : tensor<2x2x2xsi8>
    %bias = blob.constant <"integer vector", "eaafd2ce99b57536"> : tensor<2xsi32>
    %padded = qnn.pad %x before [1, 0, 0] after [0, 0, 0] : !pq.tensor<?x1x4x4xui8, 0.5> -> !pq.tensor<?x2x4x4xui8, 0.5>
    %codes = pq.encode %padded, %codebook <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x4x4xui8, 0.5>, tensor<2x2x1xui8> -> !pq.codes<[?, 2, 4, 4], 2>
    %sums = pq.lookup %codes, %table, %bias table_bits 8 : !pq.codes<[?, 2, 4, 4], 2>, tensor<2x2x2xsi8>, tensor<2xsi32> -> tensor<?x2x4x4xsi16>
    func.return %sums : tensor<?x2x4x4xsi16>
  }
}
