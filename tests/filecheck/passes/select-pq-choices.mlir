// RUN: pqc opt %s -p 'select-pq{exclude="body"}' | filecheck %s

// Choices for single layers override the options, patterns and defaults; later ones override earlier ones.
// CHECK: onnx.conv %x, %{{.*}} {pq.config = #pq.config<prototypes = 8, length = 2, bits = [8, 3], l1>} : {{.*}} -> tensor<?x2x4x4xf32>
// CHECK: onnx.conv %a, %{{.*}} {pq.config = #pq.config<prototypes = 8, length = 1, bits = [4, 3], l2>} : {{.*}} -> tensor<?x2x4x4xf32>
// CHECK: onnx.conv %b, {{[^<]*}} : {{.*}} -> tensor<?x2x4x4xf32>

builtin.module attributes {pqc.choices = [{nodes = "*", prototypes = 8 : i64, table_bits = 3 : i64}, {metric = "l1", nodes = "stem", pq = true}, {length = 1 : i64, nodes = "b*", pq = true, prototype_bits = 4 : i64}, {nodes = "both", pq = false}], pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  func.func @main(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
    %w = blob.constant <"w", "e0c5b8b58a0d3390"> : tensor<2x2x1x1xf32>
    %v = blob.constant <"v", "1e506e4140fce008"> : tensor<2xf32>
    %a = onnx.conv %x, %w, %v : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("stem")
    %b = onnx.conv %a, %w, %v : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("body")
    %c = onnx.conv %b, %w, %v : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("both")
    func.return %c : tensor<?x2x4x4xf32>
  }
}
