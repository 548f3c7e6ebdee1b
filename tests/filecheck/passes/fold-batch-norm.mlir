// RUN: pqc opt %s -p fold-batch-norm --split-input-file --print-debuginfo | filecheck %s

// A normalization behind a convolution becomes part of its weights; the location keeps both names.
// CHECK: #conv = loc(fused["conv", "norm"])
// CHECK: func.func @convolution
// CHECK-DAG: [[W:%[^ ]+]] = blob.constant <"weight", {{.*}}> : tensor<2x2x1x1xf32>
// CHECK-DAG: [[B:%[^ ]+]] = blob.constant <"bias", {{.*}}> : tensor<2xf32>
// CHECK: [[Y:%[^ ]+]] = onnx.conv %{{[^ ]+}}, [[W]], [[B]] strides [2, 2] : {{.*}} loc(#conv)
// CHECK-NEXT: func.return [[Y]]
func.func @convolution(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x2x2xf32> {
  %w = blob.constant <"weight", "e0c5b8b58a0d3390"> : tensor<2x2x1x1xf32>
  %b = blob.constant <"bias", "1e506e4140fce008"> : tensor<2xf32>
  %p = blob.constant <"p", "1e506e4140fce008"> : tensor<2xf32>
  %c = onnx.conv %x, %w, %b strides [2, 2] : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x2x2xf32> loc("conv")
  %y = onnx.batch_norm %c, %p, %p, %p, %p epsilon 1.0e-5 : (tensor<?x2x2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<?x2x2x2xf32> loc("norm")
  func.return %y : tensor<?x2x2x2xf32>
}

// -----

// So does one behind a matrix product.
// CHECK-LABEL: func.func @product
// CHECK: [[Y:%[^ ]+]] = onnx.gemm
// CHECK-NEXT: func.return [[Y]]
func.func @product(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = blob.constant <"weight", "3bec4c947317d0dd"> : tensor<2x2xf32>
  %p = blob.constant <"p", "1e506e4140fce008"> : tensor<2xf32>
  %c = onnx.gemm %x, %w, %p : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %y = onnx.batch_norm %c, %p, %p, %p, %p epsilon 1.0e-5 : (tensor<?x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}

// -----

// The addition of a constant becomes part of the bias.
// CHECK-LABEL: func.func @constant
// CHECK: [[B:%[^ ]+]] = blob.constant <"p", "d45237b4562c0d6c">
// CHECK: [[Y:%[^ ]+]] = onnx.conv {{.*}}, [[B]] :
// CHECK-NEXT: func.return [[Y]]
func.func @constant(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %w = blob.constant <"weight", "e0c5b8b58a0d3390"> : tensor<2x2x1x1xf32>
  %p = blob.constant <"p", "1e506e4140fce008"> : tensor<2xf32>
  %z = blob.constant <"p", "1e506e4140fce008"> : tensor<2xf32>
  %c = onnx.conv %x, %w, %p : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32>
  %y = onnx.add %c, %z : (tensor<?x2x4x4xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32>
  %e = onnx.relu %y : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32>
  func.return %y : tensor<?x2x4x4xf32>
}

// -----

// A normalization that nothing stands in front of becomes a depthwise convolution.
// CHECK-LABEL: func.func @alone
// CHECK: [[Y:%[^ ]+]] = onnx.conv %{{[^ ]+}}, {{.*}} group 2 : (tensor<?x2x4x4xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) {{.*}} loc("norm")
// CHECK-NEXT: func.return [[Y]]
func.func @alone(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %p = blob.constant <"p", "1e506e4140fce008"> : tensor<2xf32>
  %y = onnx.batch_norm %x, %p, %p, %p, %p epsilon 1.0e-5 : (tensor<?x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("norm")
  func.return %y : tensor<?x2x4x4xf32>
}

// -----

// Of features, it becomes a product with a diagonal matrix.
// CHECK-LABEL: func.func @features
// CHECK: [[Y:%[^ ]+]] = onnx.gemm %{{[^ ]+}}, {{.*}} : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>)
// CHECK-NEXT: func.return [[Y]]
func.func @features(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %p = blob.constant <"p", "1e506e4140fce008"> : tensor<2xf32>
  %y = onnx.add %x, %p : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}

// -----

// A convolution whose result something else reads, too, stays as it is.
// CHECK-LABEL: func.func @read_twice
// CHECK: [[C:%[^ ]+]] = onnx.conv %{{[^ ]+}}, {{.*}} : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>
// CHECK: [[Y:%[^ ]+]] = onnx.conv [[C]], {{.*}} group 2
// CHECK-NEXT: func.return [[C]], [[Y]]
func.func @read_twice(%x: tensor<?x2x4x4xf32>) -> (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) {
  %w = blob.constant <"weight", "e0c5b8b58a0d3390"> : tensor<2x2x1x1xf32>
  %p = blob.constant <"p", "1e506e4140fce008"> : tensor<2xf32>
  %c = onnx.conv %x, %w, %p : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32>
  %y = onnx.batch_norm %c, %p, %p, %p, %p epsilon 1.0e-5 : (tensor<?x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32>
  func.return %c, %y : tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>
}

// -----

// Neither do bounds let a normalization pass.
// CHECK-LABEL: func.func @bounded
// CHECK: [[C:%[^ ]+]] = onnx.conv {{.*}} low 0.000000e+00 :
// CHECK: onnx.conv [[C]], {{.*}} group 2
func.func @bounded(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %w = blob.constant <"weight", "e0c5b8b58a0d3390"> : tensor<2x2x1x1xf32>
  %p = blob.constant <"p", "1e506e4140fce008"> : tensor<2xf32>
  %c = onnx.conv %x, %w, %p low 0.0 : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32>
  %y = onnx.add %c, %p : (tensor<?x2x4x4xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32>
  func.return %y : tensor<?x2x4x4xf32>
}

// -----

// Parameters that are no constants, and the sum of two activations, are left alone.
// CHECK-LABEL: func.func @unknown
// CHECK: onnx.add
// CHECK-NEXT: onnx.batch_norm
func.func @unknown(%x: tensor<?x2x4x4xf32>, %p: tensor<2xf32>) -> tensor<?x2x4x4xf32> {
  %s = onnx.add %x, %x : (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32>
  %y = onnx.batch_norm %s, %p, %p, %p, %p epsilon 1.0e-5 : (tensor<?x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32>
  func.return %y : tensor<?x2x4x4xf32>
}
